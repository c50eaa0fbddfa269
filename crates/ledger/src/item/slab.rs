//! Where items lie: in chunks of a page each, so that growing never copies items and a page is one chunk.

use super::Item;
use crate::pages::PER_PAGE as PAGE;

type Chunk = Box<[Option<Item>; PAGE as usize]>;

/// Items by slot.
#[derive(Debug, Default)]
pub(super) struct Slab {
    chunks: Vec<Chunk>,
}

impl Slab {
    /// How many slots there are, taken or free.
    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.chunks.len()).unwrap_or(u32::MAX).saturating_mul(PAGE)
    }

    pub(super) fn get(&self, slot: u32) -> Option<&Item> {
        self.chunks.get((slot / PAGE) as usize)?[(slot % PAGE) as usize].as_ref()
    }

    /// Puts an item into a slot, or empties it.
    pub(super) fn put(&mut self, slot: u32, item: Option<Item>) {
        let chunk = (slot / PAGE) as usize;
        while self.chunks.len() <= chunk {
            self.chunks.push(Box::new([const { None }; PAGE as usize]));
        }
        self.chunks[chunk][(slot % PAGE) as usize] = item;
    }

    pub(super) fn take(&mut self, slot: u32) -> Option<Item> {
        self.chunks.get_mut((slot / PAGE) as usize)?[(slot % PAGE) as usize].take()
    }

    /// All items with their slots.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Item)> {
        let slots = self.chunks.iter().flat_map(|chunk| chunk.iter());
        (0..).zip(slots).filter_map(|(slot, item)| Some((slot, item.as_ref()?)))
    }
}
