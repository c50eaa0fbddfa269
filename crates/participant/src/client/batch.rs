//! What is asked for: a batch, filled member by member and encoded at once, so that a large one costs little.
//!
//! Checks nothing: the ledger judges, and what it says of each member is in the outcomes.

use crate::proto::{Member, Members};

/// Members to be decided in order, each against the state that the earlier ones left; 1 to 8,190.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    members: Members,
    dry_run: bool,
    /// Where a member is written before its length is known.
    scratch: Vec<u8>,
}

/// How much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount<'a> {
    /// A decimal in the asset's scale: `12.50`.
    Decimal(&'a str),
    /// Smallest units. Over HTTP only for assets without decimals.
    Units(i128),
}

/// When something expires.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expiry {
    /// Never.
    #[default]
    Never,
    /// So many milliseconds after it is decided.
    InMs(u64),
    /// Then: microseconds since 1970, UTC.
    At(i64),
}

/// Why something is asked; an empty part says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cause<'a> {
    /// The global transaction, an id.
    pub transaction: &'a str,
    /// Its branch, an id.
    pub branch: &'a str,
    /// The person, an id.
    pub operator: &'a str,
    /// In words, at most 256 bytes.
    pub reason: &'a str,
}

/// Posts an entry: `from` is debited, `to` credited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its id, of the caller's choosing.
    pub id: &'a str,
    /// Debited.
    pub from: &'a str,
    /// Credited.
    pub to: &'a str,
    /// How much.
    pub amount: Amount<'a>,
    /// As much as is available, zero included.
    pub up_to: bool,
    /// When the credited lot expires; only into an account with lots.
    pub expiry: Expiry,
    /// The id of the entry or capture that this one gives back; empty: none.
    pub refunds: &'a str,
    /// It succeeds or fails together with the next member.
    pub linked: bool,
    /// Why.
    pub cause: Cause<'a>,
}

/// Holds value of `from` for `to`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hold<'a> {
    /// Its id, of the caller's choosing.
    pub id: &'a str,
    /// Where it is held.
    pub from: &'a str,
    /// Where a capture posts it.
    pub to: &'a str,
    /// How much.
    pub amount: Amount<'a>,
    /// As much as is available, zero included.
    pub up_to: bool,
    /// When it releases itself.
    pub expiry: Expiry,
    /// It succeeds or fails together with the next member.
    pub linked: bool,
    /// Why.
    pub cause: Cause<'a>,
}

/// Captures a hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capture<'a> {
    /// The id of this capture, unique for the hold.
    pub id: &'a str,
    /// The hold.
    pub hold: &'a str,
    /// How much; `None`: all that is left.
    pub amount: Option<Amount<'a>>,
    /// It succeeds or fails together with the next member.
    pub linked: bool,
    /// Why.
    pub cause: Cause<'a>,
}

/// Releases what is left of a hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Release<'a> {
    /// The hold.
    pub hold: &'a str,
    /// It succeeds or fails together with the next member.
    pub linked: bool,
    /// Why.
    pub cause: Cause<'a>,
}

impl Default for Amount<'_> {
    fn default() -> Self {
        Amount::Units(0)
    }
}

impl Batch {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Batch {
        Batch::default()
    }

    /// An empty batch with room for so many entries of the usual length.
    #[must_use]
    pub fn with_capacity(entries: usize) -> Batch {
        Batch { members: Members::with_capacity(entries.saturating_mul(80)), ..Batch::default() }
    }

    /// To see what would happen: nothing is kept.
    #[must_use]
    pub fn as_dry_run(mut self) -> Batch {
        self.dry_run = true;
        self
    }

    /// Adds an entry.
    pub fn entry(&mut self, entry: &Entry<'_>) -> &mut Batch {
        let mut content = Content::of(&mut self.scratch);
        content.text(1, entry.id).text(2, entry.from).text(3, entry.to).amount(entry.amount);
        content.flag(7, entry.up_to).expiry(entry.expiry).text(10, entry.refunds);
        content.flag(11, entry.linked).cause(&entry.cause);
        self.push_kind(1)
    }

    /// Adds a hold.
    pub fn hold(&mut self, hold: &Hold<'_>) -> &mut Batch {
        let mut content = Content::of(&mut self.scratch);
        content.text(1, hold.id).text(2, hold.from).text(3, hold.to).amount(hold.amount);
        content.flag(7, hold.up_to).expiry(hold.expiry).flag(11, hold.linked).cause(&hold.cause);
        self.push_kind(2)
    }

    /// Adds a capture.
    pub fn capture(&mut self, capture: &Capture<'_>) -> &mut Batch {
        let mut content = Content::of(&mut self.scratch);
        content.text(1, capture.id).text(2, capture.hold);
        if let Some(amount) = capture.amount {
            content.amount(amount);
        }
        content.flag(11, capture.linked).cause(&capture.cause);
        self.push_kind(3)
    }

    /// Adds a release.
    pub fn release(&mut self, release: &Release<'_>) -> &mut Batch {
        let mut content = Content::of(&mut self.scratch);
        content.text(2, release.hold).flag(11, release.linked).cause(&release.cause);
        self.push_kind(4)
    }

    /// Adds anything else: assets, accounts, machines, items, moves.
    pub fn member(&mut self, kind: crate::proto::member::Kind) -> &mut Batch {
        self.members.push(&Member { kind: Some(kind) });
        self
    }

    /// How many members it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// It has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The message that asks for it, for those who speak the generated verbs themselves.
    #[must_use]
    pub fn into_request(self, number: u64) -> crate::proto::ApplyRequest {
        crate::proto::ApplyRequest { number, members: self.members, dry_run: self.dry_run }
    }

    #[cfg(feature = "http")]
    pub(super) fn parts(&self) -> (&Members, DryRun) {
        (&self.members, if self.dry_run { DryRun::Yes } else { DryRun::No })
    }

    fn push_kind(&mut self, kind: u32) -> &mut Batch {
        self.members.push_kind(kind, &self.scratch);
        self
    }
}

/// Whether anything is kept.
#[cfg(feature = "http")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DryRun {
    /// Nothing is.
    Yes,
    /// What is accepted is.
    No,
}

/// The fields of a message, as they are written. A field that says nothing is left out.
struct Content<'a>(&'a mut Vec<u8>);

impl<'a> Content<'a> {
    fn of(scratch: &'a mut Vec<u8>) -> Content<'a> {
        scratch.clear();
        Content(scratch)
    }

    fn text(&mut self, field: u32, text: &str) -> &mut Self {
        if text.is_empty() { self } else { self.text_given(field, text) }
    }

    fn text_given(&mut self, field: u32, text: &str) -> &mut Self {
        self.number(field << 3 | 2).number(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    fn varint(&mut self, field: u32, value: u64) -> &mut Self {
        self.number(field << 3).number(value)
    }

    fn flag(&mut self, field: u32, value: impl Into<bool>) -> &mut Self {
        if value.into() { self.varint(field, 1) } else { self }
    }

    fn amount(&mut self, amount: Amount<'_>) -> &mut Self {
        match amount {
            Amount::Decimal(text) => self.text_given(4, text),
            Amount::Units(units) => match i64::try_from(units) {
                Ok(units) => self.varint(5, (units << 1 ^ units >> 63).cast_unsigned()),
                Err(_) => self.text_given(6, &units.to_string()),
            },
        }
    }

    fn expiry(&mut self, expiry: Expiry) -> &mut Self {
        match expiry {
            Expiry::Never => self,
            Expiry::InMs(span) => self.varint(8, span),
            Expiry::At(time) => self.varint(9, time.cast_unsigned()),
        }
    }

    fn cause(&mut self, cause: &Cause<'_>) -> &mut Self {
        if *cause == Cause::default() {
            return self;
        }
        let mut inside = Vec::new();
        let parts = [cause.transaction, cause.branch, cause.operator, cause.reason];
        for (field, part) in (1..).zip(parts) {
            Content(&mut inside).text(field, part);
        }
        self.number(12_u32 << 3 | 2).number(inside.len() as u64);
        self.0.extend_from_slice(&inside);
        self
    }

    fn number(&mut self, value: impl Into<u64>) -> &mut Self {
        prost::encoding::encode_varint(value.into(), self.0);
        self
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::proto::member::Kind;
    use crate::proto::{self, Member};

    fn kinds(batch: &Batch) -> Vec<Kind> {
        batch.members.each().map(|member| Member::decode(member).unwrap().kind.unwrap()).collect()
    }

    #[test]
    fn what_is_written_is_what_the_protocol_reads() {
        let mut batch = Batch::new();
        let cause = Cause { operator: "ann", reason: "a gift", ..Cause::default() };
        batch.entry(&Entry {
            id: "e",
            from: "a",
            to: "b",
            amount: Amount::Decimal("12.50"),
            up_to: true,
            expiry: Expiry::At(-1),
            refunds: "f",
            linked: true,
            cause,
        });
        batch.hold(&Hold {
            id: "h",
            from: "a",
            to: "b",
            amount: Amount::Units(-7),
            expiry: Expiry::InMs(500),
            ..Hold::default()
        });
        batch.capture(&Capture {
            id: "c",
            hold: "h",
            amount: Some(Amount::Units(i128::MAX)),
            ..Capture::default()
        });
        batch.capture(&Capture { id: "c", hold: "h", ..Capture::default() });
        batch.release(&Release { hold: "h", linked: true, cause });
        batch.member(Kind::Asset(proto::Asset { code: "points".into(), scale: 0 }));
        let cause =
            proto::Cause { operator: "ann".into(), reason: "a gift".into(), ..proto::Cause::default() };
        let (a, b, h) = ("a".to_owned(), "b".to_owned(), "h".to_owned());
        let expected = [
            Kind::Entry(proto::Entry {
                id: "e".into(),
                from: a.clone(),
                to: b.clone(),
                amount: Some(proto::entry::Amount::Decimal("12.50".into())),
                up_to: true,
                expiry: Some(proto::entry::Expiry::ExpiresAt(-1)),
                refunds: "f".into(),
                linked: true,
                cause: Some(cause.clone()),
            }),
            Kind::Hold(proto::Hold {
                id: h.clone(),
                from: a,
                to: b,
                amount: Some(proto::hold::Amount::Units(-7)),
                expiry: Some(proto::hold::Expiry::ExpiresInMs(500)),
                ..proto::Hold::default()
            }),
            Kind::Capture(proto::Capture {
                id: "c".into(),
                hold: h.clone(),
                amount: Some(proto::capture::Amount::BigUnits(i128::MAX.to_string())),
                ..proto::Capture::default()
            }),
            Kind::Capture(proto::Capture { id: "c".into(), hold: h.clone(), ..proto::Capture::default() }),
            Kind::Release(proto::Release { hold: h, linked: true, cause: Some(cause) }),
            Kind::Asset(proto::Asset { code: "points".into(), scale: 0 }),
        ];
        assert_eq!(batch.len(), expected.len());
        assert_eq!(kinds(&batch), expected);
    }
}
