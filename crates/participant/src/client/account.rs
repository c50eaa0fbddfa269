//! An account as a caller sees it, over either way.

/// An account as it stands. Amounts are decimals in the scale of its asset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: String,
    /// The code of its asset.
    pub asset: String,
    /// The least that may be available; `None`: there is none.
    pub floor: Option<String>,
    /// The most that may be posted and incoming.
    pub ceiling: Option<String>,
    /// What came in less what went out.
    pub posted: String,
    /// The sum of the open holds in it.
    pub held: String,
    /// Posted less held.
    pub available: String,
    /// How many events it has seen.
    pub version: u64,
}

#[cfg(feature = "grpc")]
impl From<crate::proto::Account> for Account {
    fn from(account: crate::proto::Account) -> Account {
        Account {
            id: account.id,
            asset: account.asset.map(|asset| asset.code).unwrap_or_default(),
            floor: account.floor,
            ceiling: account.ceiling,
            posted: account.posted,
            held: account.held,
            available: account.available,
            version: account.version,
        }
    }
}
