//! The fields of one protobuf message, read in place: texts are borrowed from the bytes that came.
//!
//! Knows the wire format and no message. What is not of the format is refused, never guessed at.

use transaction::Refusal;

use crate::refusal::{FIELD_INVALID, FIELD_UNKNOWN};

/// What reading gives.
pub(super) type Read<T> = Result<T, Refusal>;

/// The fields of a message that are still to be read.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

/// One field: its number and its value.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) number: u32,
    value: Value<'a>,
}

#[derive(Clone, Copy)]
enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    /// Four or eight bytes: no field of ours is so.
    Fixed,
}

impl<'a> Fields<'a> {
    /// The fields of this message.
    pub(super) fn of(message: &'a [u8]) -> Fields<'a> {
        Fields { rest: message }
    }

    /// The next field; `None` at the end.
    pub(super) fn next(&mut self) -> Read<Option<Field<'a>>> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).ok().filter(|number| *number > 0).ok_or_else(broken)?;
        let value = match key & 7 {
            0 => Value::Varint(self.varint()?),
            1 => self.skip(8)?,
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| broken())?;
                let (bytes, rest) = self.rest.split_at_checked(length).ok_or_else(broken)?;
                self.rest = rest;
                Value::Bytes(bytes)
            }
            5 => self.skip(4)?,
            _ => return Err(broken()),
        };
        Ok(Some(Field { number, value }))
    }

    fn varint(&mut self) -> Read<u64> {
        if let [byte @ 0..0x80, rest @ ..] = self.rest {
            self.rest = rest;
            return Ok(u64::from(*byte));
        }
        prost::encoding::decode_varint(&mut self.rest).map_err(|_| broken())
    }

    fn skip(&mut self, length: usize) -> Read<Value<'a>> {
        self.rest = self.rest.get(length..).ok_or_else(broken)?;
        Ok(Value::Fixed)
    }
}

impl<'a> Field<'a> {
    /// A text.
    pub(super) fn text(self) -> Read<&'a str> {
        std::str::from_utf8(self.bytes()?)
            .map_err(|_| FIELD_INVALID.because(format!("field {} is not UTF-8", self.number)))
    }

    /// A text that says nothing when it is empty.
    pub(super) fn word(self) -> Read<Option<&'a str>> {
        self.text().map(|text| Some(text).filter(|text| !text.is_empty()))
    }

    /// The bytes of a message inside.
    pub(super) fn bytes(self) -> Read<&'a [u8]> {
        match self.value {
            Value::Bytes(bytes) => Ok(bytes),
            Value::Varint(_) | Value::Fixed => Err(self.other_kind()),
        }
    }

    /// A message inside.
    pub(super) fn message(self) -> Read<Fields<'a>> {
        self.bytes().map(Fields::of)
    }

    /// A whole number that is not negative.
    pub(super) fn number(self) -> Read<u64> {
        match self.value {
            Value::Varint(value) => Ok(value),
            Value::Bytes(_) | Value::Fixed => Err(self.other_kind()),
        }
    }

    /// A whole number, as `sint64` writes it.
    pub(super) fn signed(self) -> Read<i64> {
        let value = self.number()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// A whole number, as `int64` writes it.
    pub(super) fn plain_signed(self) -> Read<i64> {
        self.number().map(u64::cast_signed)
    }

    /// Yes or no.
    pub(super) fn flag(self) -> Read<bool> {
        self.number().map(|value| value != 0)
    }

    /// Of a message of a newer protocol: half of what is asked must not be done.
    pub(super) fn unknown(self) -> Refusal {
        FIELD_UNKNOWN.because(format!("this server knows no field {} here", self.number))
    }

    fn other_kind(self) -> Refusal {
        FIELD_INVALID.because(format!("field {} is of another kind on the wire", self.number))
    }
}

fn broken() -> Refusal {
    FIELD_INVALID.because("the bytes are not those of a protobuf message")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(message: &[u8]) -> Read<Vec<u32>> {
        let mut fields = Fields::of(message);
        let mut numbers = Vec::new();
        while let Some(field) = fields.next()? {
            numbers.push(field.number);
        }
        Ok(numbers)
    }

    #[test]
    fn each_kind_of_field_is_read() {
        let message = [0x08, 0x96, 0x01, 0x12, 0x02, b'o', b'k', 0x18, 0x03, 0x21, 1, 2, 3, 4, 5, 6, 7, 8];
        let mut fields = Fields::of(&message);
        let mut next = || fields.next().unwrap().unwrap();
        assert_eq!(next().number().unwrap(), 150);
        assert_eq!(next().text().unwrap(), "ok");
        assert_eq!(next().signed().unwrap(), -2);
        assert_eq!(next().text().unwrap_err().kind.code, "field_invalid");
        assert_eq!(all(&message).unwrap(), [1, 2, 3, 4]);
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for bytes in [&[0x08][..], &[0x12, 5, b'a'], &[0x0b], &[0x00, 0x00], &[0xff; 11], &[0x21, 1]] {
            assert_eq!(all(bytes).unwrap_err().kind.code, "field_invalid", "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn signed_numbers_come_back(value: i64) {
            let mut message = Vec::new();
            prost::encoding::sint64::encode(7, &value, &mut message);
            let field = Fields::of(&message).next().unwrap().unwrap();
            prop_assert_eq!(field.signed().unwrap(), value);
        }

        #[test]
        fn no_bytes_make_it_fail_badly(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = all(&bytes);
        }
    }
}
