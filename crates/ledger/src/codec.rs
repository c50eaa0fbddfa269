//! How events are laid out in bytes: the format, for ever. Golden files in `tests/golden` hold it fast.
//!
//! An event is: kind (1 byte), sequence, time, content (8 bytes), then its fields in the order of the table below.
//! Whole numbers are varints, 7 bits a byte, lowest first; signed ones zigzag; texts are a length and UTF-8. A 64-bit
//! number is kept plus one, so that [`NONE`](crate::NONE) is a single zero byte. A new kind takes a new number; a
//! released row is never changed. Decoding never trusts: any bytes lead to an event or to words on what is wrong.

use transaction::Time;

use crate::field::{Field, Reader, short};
use crate::{Event, Kept};

impl Kept<'_> {
    /// Appends the encoded event to `into`.
    pub fn encode(&self, into: &mut Vec<u8>) {
        into.reserve(256);
        into.push(kind_of(&self.event));
        self.sequence.put(into);
        self.at.put(into);
        into.extend_from_slice(&self.content.to_le_bytes());
        put_event(&self.event, into);
    }

    /// Reads an encoded event.
    ///
    /// # Errors
    /// When the bytes are no event, or more than one.
    pub fn decode(bytes: &[u8]) -> Result<Kept<'_>, String> {
        let mut from = Reader { bytes };
        let kind = from.byte()?;
        let sequence = u64::get(&mut from)?;
        let at = Time::get(&mut from)?;
        let content = from.take(8)?.try_into().map(u64::from_le_bytes).map_err(|_| short())?;
        let event = get_event(kind, &mut from)?;
        from.end()?;
        Ok(Kept { sequence, at, content, event })
    }
}

/// The rows of the format: number, kind, fields in order.
macro_rules! layout {
    ($($number:literal $kind:ident { $($field:ident),* })*) => {
        fn kind_of(event: &Event<'_>) -> u8 {
            match event { $(Event::$kind { .. } => $number,)* }
        }

        fn put_event(event: &Event<'_>, into: &mut Vec<u8>) {
            match event { $(Event::$kind { $($field),* } => { $($field.put(into);)* })* }
        }

        fn get_event<'a>(kind: u8, from: &mut Reader<'a>) -> Result<Event<'a>, String> {
            match kind {
                $($number => {
                    $(let $field = Field::get(from)?;)*
                    Ok(Event::$kind { $($field),* })
                })*
                other => Err(format!("kind {other} of a ledger event is unknown")),
            }
        }
    };
}

layout! {
    1 AssetDeclared { asset, code, scale }
    2 AccountOpened { account, id, asset, floor, ceiling, sink, cause }
    3 AccountChanged { id, leg, floor, ceiling, standing, cause }
    4 Posted { id, amount, from, to, lots, refunds, refunded, cause }
    5 Held { id, hold, amount, from, to, incoming, expires_at, owned, lots, cause }
    6 Captured { id, hold, capture, amount, so_far, prev, from, to, incoming, scale, lots, cause }
    7 Released { id, hold, expired, amount, captured, prev, from, to, incoming, scale, owned, lots, cause }
    8 Reopened { id, hold, reopen, amount, captured, prev, from, to, incoming, expires_at, lots, cause }
    9 LotExpired { lot, amount, from, to, lots }
    10 MachineDeclared { machine, version, encoded, cause }
    11 ItemCreated { id, item, machine, state, owner, attributes, due, cause }
    12 ItemMoved { id, item, machine, by, operation, states, held, ends, of, owner, arguments, due, prev, version, cause }
}
