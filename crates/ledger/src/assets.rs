//! Assets as they are kept in memory: by number and by code.

use std::collections::BTreeMap;
use std::sync::Arc;

/// A declared asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asset {
    pub(crate) code: Arc<str>,
    pub(crate) scale: u8,
}

/// All assets. A number without one exists only while a data folder is loaded.
#[derive(Debug, Default)]
pub(crate) struct Assets {
    rows: Vec<Option<Asset>>,
    numbers: BTreeMap<Arc<str>, u32>,
}

impl Assets {
    pub(crate) fn len(&self) -> u32 {
        u32::try_from(self.rows.len()).expect("fewer than four billion assets")
    }

    pub(crate) fn get(&self, number: u32) -> Option<&Asset> {
        self.rows.get(number as usize)?.as_ref()
    }

    pub(crate) fn find(&self, code: &str) -> Option<(u32, &Asset)> {
        let number = *self.numbers.get(code)?;
        self.get(number).map(|asset| (number, asset))
    }

    pub(crate) fn put(&mut self, number: u32, (code, scale): (&str, u8)) {
        let place = number as usize;
        if self.rows.len() <= place {
            self.rows.resize_with(place + 1, || None);
        }
        let code: Arc<str> = code.into();
        self.numbers.insert(Arc::clone(&code), number);
        self.rows[place] = Some(Asset { code, scale });
    }

    /// Takes back the asset that was put last.
    pub(crate) fn pop(&mut self) {
        if let Some(asset) = self.rows.pop().flatten() {
            self.numbers.remove(&asset.code);
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Asset> {
        self.rows.iter().flatten()
    }
}
