//! How one field of an event or a page is laid out in bytes, and how it is read back without trust.
//!
//! Decides nothing about what fields mean; `codec.rs` (events) and `page.rs` (pages) say which come in which order.

use transaction::Time;

use crate::{Cause, Floor, Leg, LotChange, Standing, Value};

/// Something that can be written to bytes and read back the same.
pub(crate) trait Field<'a>: Sized {
    /// Appends it.
    fn put(&self, into: &mut Vec<u8>);
    /// Reads it from the beginning of what is left.
    fn get(from: &mut Reader<'a>) -> Result<Self, String>;
}

/// Bytes that are still to be read.
pub(crate) struct Reader<'a> {
    pub(crate) bytes: &'a [u8],
}

/// Why bytes that end too early are refused.
pub(crate) fn short() -> String {
    "the bytes end before the record does".to_owned()
}

impl<'a> Reader<'a> {
    pub(crate) fn byte(&mut self) -> Result<u8, String> {
        let (first, rest) = self.bytes.split_first().ok_or_else(short)?;
        self.bytes = rest;
        Ok(*first)
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.bytes.split_at_checked(length).ok_or_else(short)?;
        self.bytes = rest;
        Ok(taken)
    }

    pub(crate) fn end(&self) -> Result<(), String> {
        if self.bytes.is_empty() { Ok(()) } else { Err(format!("{} bytes too many", self.bytes.len())) }
    }

    fn varint(&mut self) -> Result<u128, String> {
        let mut value: u128 = 0;
        for place in 0..19_u32 {
            let byte = self.byte()?;
            let part = u128::from(byte & 0x7f);
            if place == 18 && part > 3 {
                break;
            }
            value |= part << (place * 7);
            if byte < 0x80 {
                // One number has one layout: no padding.
                return if byte == 0 && place > 0 { Err("a padded number".to_owned()) } else { Ok(value) };
            }
        }
        Err("a number that does not fit".to_owned())
    }

    fn count(&mut self) -> Result<usize, String> {
        let count = self.varint()?;
        // Each element takes a byte at least: what claims more than is there is not allocated for.
        usize::try_from(count).ok().filter(|count| *count <= self.bytes.len()).ok_or_else(short)
    }
}

fn put_small(mut value: u64, into: &mut Vec<u8>) {
    while value >= 0x80 {
        into.push(low_byte(u128::from(value)) | 0x80);
        value >>= 7;
    }
    into.push(low_byte(u128::from(value)));
}

fn put_varint(value: u128, into: &mut Vec<u8>) {
    if let Ok(small) = u64::try_from(value) {
        return put_small(small, into);
    }
    let mut value = value;
    while value >= 0x80 {
        into.push(low_byte(value) | 0x80);
        value >>= 7;
    }
    into.push(low_byte(value));
}

fn low_byte(value: u128) -> u8 {
    value.to_le_bytes()[0] & 0x7f
}

fn put_count(count: usize, into: &mut Vec<u8>) {
    put_small(count as u64, into);
}

macro_rules! whole {
    ($($kind:ty),*) => { $(
        impl<'a> Field<'a> for $kind {
            fn put(&self, into: &mut Vec<u8>) {
                put_small(u64::from(*self), into);
            }

            fn get(from: &mut Reader<'a>) -> Result<$kind, String> {
                <$kind>::try_from(from.varint()?).map_err(|_| "a number that does not fit".to_owned())
            }
        }
    )* };
}

whole!(u8, u16, u32);

impl<'a> Field<'a> for u64 {
    fn put(&self, into: &mut Vec<u8>) {
        put_small(self.wrapping_add(1), into);
    }

    fn get(from: &mut Reader<'a>) -> Result<u64, String> {
        let plus_one = u64::try_from(from.varint()?).map_err(|_| "a number that does not fit".to_owned())?;
        Ok(plus_one.wrapping_sub(1))
    }
}

impl<'a> Field<'a> for i128 {
    fn put(&self, into: &mut Vec<u8>) {
        put_varint(((self << 1) ^ (self >> 127)).cast_unsigned(), into);
    }

    fn get(from: &mut Reader<'a>) -> Result<i128, String> {
        let zigzag = from.varint()?;
        Ok((zigzag >> 1).cast_signed() ^ -((zigzag & 1).cast_signed()))
    }
}

impl<'a> Field<'a> for i64 {
    fn put(&self, into: &mut Vec<u8>) {
        put_small(((self << 1) ^ (self >> 63)).cast_unsigned(), into);
    }

    fn get(from: &mut Reader<'a>) -> Result<i64, String> {
        i64::try_from(i128::get(from)?).map_err(|_| "a number that does not fit".to_owned())
    }
}

impl<'a> Field<'a> for bool {
    fn put(&self, into: &mut Vec<u8>) {
        into.push(u8::from(*self));
    }

    fn get(from: &mut Reader<'a>) -> Result<bool, String> {
        match from.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(format!("{other} is neither yes nor no")),
        }
    }
}

impl<'a> Field<'a> for Time {
    fn put(&self, into: &mut Vec<u8>) {
        self.0.put(into);
    }

    fn get(from: &mut Reader<'a>) -> Result<Time, String> {
        i64::get(from).map(Time)
    }
}

impl<'a> Field<'a> for &'a [u8] {
    fn put(&self, into: &mut Vec<u8>) {
        put_count(self.len(), into);
        into.extend_from_slice(self);
    }

    fn get(from: &mut Reader<'a>) -> Result<&'a [u8], String> {
        let count = from.count()?;
        from.take(count)
    }
}

impl<'a> Field<'a> for &'a str {
    fn put(&self, into: &mut Vec<u8>) {
        self.as_bytes().put(into);
    }

    fn get(from: &mut Reader<'a>) -> Result<&'a str, String> {
        std::str::from_utf8(<&[u8]>::get(from)?).map_err(|_| "a text that is not UTF-8".to_owned())
    }
}

impl<'a, F: Field<'a>> Field<'a> for Option<F> {
    fn put(&self, into: &mut Vec<u8>) {
        self.is_some().put(into);
        if let Some(some) = self {
            some.put(into);
        }
    }

    fn get(from: &mut Reader<'a>) -> Result<Option<F>, String> {
        if bool::get(from)? { F::get(from).map(Some) } else { Ok(None) }
    }
}

impl<'a, F: Field<'a>, G: Field<'a>> Field<'a> for (F, G) {
    fn put(&self, into: &mut Vec<u8>) {
        self.0.put(into);
        self.1.put(into);
    }

    fn get(from: &mut Reader<'a>) -> Result<(F, G), String> {
        Ok((F::get(from)?, G::get(from)?))
    }
}

impl<'a, F: Field<'a>> Field<'a> for Vec<F> {
    fn put(&self, into: &mut Vec<u8>) {
        put_count(self.len(), into);
        for one in self {
            one.put(into);
        }
    }

    fn get(from: &mut Reader<'a>) -> Result<Vec<F>, String> {
        let count = from.count()?;
        (0..count).map(|_| F::get(from)).collect()
    }
}

/// A shape whose fields follow each other.
macro_rules! sequence {
    ($kind:ident { $($field:ident),* }) => {
        impl<'a> Field<'a> for $kind {
            fn put(&self, into: &mut Vec<u8>) {
                $(self.$field.put(into);)*
            }

            fn get(from: &mut Reader<'a>) -> Result<$kind, String> {
                $(let $field = Field::get(from)?;)*
                Ok($kind { $($field),* })
            }
        }
    };
}

sequence!(Leg { account, version, posted, held, prev, skip });
sequence!(LotChange { expires_at, free, held, taken });

impl<'a> Field<'a> for Floor<i128> {
    fn put(&self, into: &mut Vec<u8>) {
        match self {
            Floor::None => None::<i128>,
            Floor::At(units) => Some(*units),
        }
        .put(into);
    }

    fn get(from: &mut Reader<'a>) -> Result<Floor<i128>, String> {
        Ok(Option::get(from)?.map_or(Floor::None, Floor::At))
    }
}

impl<'a> Field<'a> for Standing {
    fn put(&self, into: &mut Vec<u8>) {
        into.push(match self {
            Standing::Active => 0,
            Standing::Frozen => 1,
            Standing::Closed => 2,
        });
    }

    fn get(from: &mut Reader<'a>) -> Result<Standing, String> {
        match from.byte()? {
            0 => Ok(Standing::Active),
            1 => Ok(Standing::Frozen),
            2 => Ok(Standing::Closed),
            other => Err(format!("{other} is no standing of an account")),
        }
    }
}

impl<'a> Field<'a> for Value<&'a str> {
    fn put(&self, into: &mut Vec<u8>) {
        match self {
            Value::Text(text) => {
                into.push(0);
                text.put(into);
            }
            Value::Integer(number) => {
                into.push(1);
                number.put(into);
            }
            Value::Flag(flag) => {
                into.push(2);
                flag.put(into);
            }
        }
    }

    fn get(from: &mut Reader<'a>) -> Result<Value<&'a str>, String> {
        match from.byte()? {
            0 => Field::get(from).map(Value::Text),
            1 => Field::get(from).map(Value::Integer),
            2 => Field::get(from).map(Value::Flag),
            other => Err(format!("{other} is no kind of value")),
        }
    }
}

impl<'a> Field<'a> for Cause<&'a str> {
    fn put(&self, into: &mut Vec<u8>) {
        let parts = [self.transaction, self.branch, self.operator, self.reason];
        into.push((0..).zip(parts).fold(0, |bits, (place, part)| bits | (u8::from(part.is_some()) << place)));
        for part in parts.iter().flatten() {
            part.put(into);
        }
    }

    fn get(from: &mut Reader<'a>) -> Result<Cause<&'a str>, String> {
        let bits = from.byte()?;
        if bits > 0b1111 {
            return Err(format!("{bits} names more parts than a cause has"));
        }
        let mut part =
            |place: u8| if bits & (1 << place) == 0 { Ok(None) } else { Field::get(from).map(Some) };
        Ok(Cause { transaction: part(0)?, branch: part(1)?, operator: part(2)?, reason: part(3)? })
    }
}
