//! Reads a list over as many pages as it takes, each item byte for byte as the server wrote it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::ask::{Server, get, judged, query};

/// The most that the server gives in one page.
const PAGE: usize = 1000;

/// What was read, in the form of the server's own lists.
#[derive(Debug, Serialize)]
pub(crate) struct Pages {
    items: Vec<Box<RawValue>>,
    /// Where to go on, when there is more.
    pub(crate) next: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Box<RawValue>>,
    next: Option<String>,
}

/// What to read.
pub(crate) struct Listing<'a> {
    /// The path, encoded.
    pub(crate) path: &'a str,
    /// Filters of the query.
    pub(crate) filters: Vec<(String, String)>,
    /// At most so many items.
    pub(crate) most: usize,
    /// Where a former list ended.
    pub(crate) cursor: Option<String>,
}

impl Pages {
    /// Reads until there is no more, or enough. The inner error is the server's refusal.
    pub(crate) fn read(server: &Server, listing: Listing<'_>) -> anyhow::Result<Result<Pages, String>> {
        let mut pages = Pages { items: Vec::new(), next: listing.cursor };
        loop {
            let mut pairs = listing.filters.clone();
            pairs.push(("limit".to_owned(), (listing.most - pages.items.len()).min(PAGE).to_string()));
            pairs.extend(pages.next.iter().map(|cursor| ("cursor".to_owned(), cursor.clone())));
            let reply = server.ask(&get(format!("{}{}", listing.path, query(&pairs))))?;
            if let Err(refusal) = judged(&reply) {
                return Ok(Err(refusal));
            }
            let page: Page = serde_json::from_str(&reply.text)?;
            pages.items.extend(page.items);
            pages.next = page.next;
            // A page may be short and still not be the last.
            if pages.next.is_none() || pages.items.len() >= listing.most {
                return Ok(Ok(pages));
            }
        }
    }

    /// The items, to be looked into.
    pub(crate) fn items(&self) -> Vec<Value> {
        self.items.iter().map(|item| serde_json::from_str(item.get()).unwrap_or(Value::Null)).collect()
    }

    /// As the server would write it in one page.
    pub(crate) fn json(&self) -> String {
        serde_json::to_string(self).expect("what was JSON is JSON")
    }
}
