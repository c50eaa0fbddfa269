//! A batch on its way: the message `ApplyRequest`, whose members stay encoded.
//!
//! One stretch of bytes instead of thousands of small objects: who fills it writes each member once, who answers it reads
//! each member once, in place. It never looks into a member: what is malformed in one is found by who reads it.

use bytes::{Buf, BufMut};
use prost::encoding::{
    DecodeContext, WireType, bool, decode_varint, encode_varint, encoded_len_varint, skip_field, uint64,
};
use prost::{DecodeError, Message};

const NUMBER: u32 = 1;
const MEMBERS: u32 = 2;
const DRY_RUN: u32 = 3;

/// How a member begins on the wire: field 2, length-delimited.
const MEMBER_KEY: u8 = (MEMBERS << 3) as u8 | WireType::LengthDelimited as u8;

/// The message `tercet.v1.ApplyRequest`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApplyRequest {
    /// The caller's number; the reply repeats it.
    pub number: u64,
    /// The members, encoded.
    pub members: Members,
    /// See what would happen; nothing is kept.
    pub dry_run: bool,
}

/// Encoded members, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// As they stand on the wire: each with its key and length.
    bytes: Vec<u8>,
    count: usize,
}

impl Members {
    /// None yet, with room for so many bytes.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Members {
        Members { bytes: Vec::with_capacity(bytes), count: 0 }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// There is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Their bytes on the wire, with keys and lengths.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Adds a member at the end: its encoding, a `tercet.v1.Member`.
    pub fn push_encoded(&mut self, member: &[u8]) {
        self.begin(member.len());
        self.bytes.extend_from_slice(member);
    }

    /// Adds a member at the end.
    pub fn push(&mut self, member: &super::Member) {
        self.begin(member.encoded_len());
        member.encode_raw(&mut self.bytes);
    }

    /// Adds a member at the end: the number of its kind, and its encoded content.
    pub fn push_kind(&mut self, kind: u32, content: &[u8]) {
        let key = u64::from(kind) << 3 | WireType::LengthDelimited as u64;
        let length = content.len() as u64;
        self.begin(encoded_len_varint(key) + encoded_len_varint(length) + content.len());
        encode_varint(key, &mut self.bytes);
        encode_varint(length, &mut self.bytes);
        self.bytes.extend_from_slice(content);
    }

    /// Each member's encoding, in order.
    #[must_use]
    pub fn each(&self) -> EachMember<'_> {
        EachMember { rest: &self.bytes }
    }

    fn begin(&mut self, length: usize) {
        self.count += 1;
        self.bytes.push(MEMBER_KEY);
        encode_varint(length as u64, &mut self.bytes);
    }

    /// Takes over one member from a message that is being read; its key has been read.
    fn take(&mut self, from: &mut impl Buf) -> Result<(), DecodeError> {
        let length = usize::try_from(decode_varint(from)?).unwrap_or(usize::MAX);
        if length > from.remaining() {
            return Err(short());
        }
        if self.bytes.capacity() == 0 {
            self.bytes.reserve_exact(from.remaining().saturating_add(16));
        }
        self.begin(length);
        self.bytes.put(from.take(length));
        Ok(())
    }
}

/// The members of a batch, one after another.
#[derive(Clone, Debug)]
pub struct EachMember<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for EachMember<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let mut rest = self.rest.get(1..)?;
        // Only whole members are ever put in.
        let length = usize::try_from(decode_varint(&mut rest).ok()?).ok()?;
        let (member, rest) = rest.split_at_checked(length)?;
        self.rest = rest;
        Some(member)
    }
}

/// The complaint about a message that ends too early: prost's own, about one byte that is told and not there.
fn short() -> DecodeError {
    let mut cut: &[u8] = &[1];
    let skipped = skip_field(WireType::LengthDelimited, MEMBERS, &mut cut, DecodeContext::default());
    skipped.expect_err("the byte is not there")
}

impl Message for ApplyRequest {
    fn encode_raw(&self, into: &mut impl BufMut) {
        if self.number != 0 {
            uint64::encode(NUMBER, &self.number, into);
        }
        into.put_slice(&self.members.bytes);
        if self.dry_run {
            bool::encode(DRY_RUN, &self.dry_run, into);
        }
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire: WireType,
        from: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        match (tag, wire) {
            (NUMBER, _) => uint64::merge(wire, &mut self.number, from, context),
            (MEMBERS, WireType::LengthDelimited) => self.members.take(from),
            (DRY_RUN, _) => bool::merge(wire, &mut self.dry_run, from, context),
            _ => skip_field(wire, tag, from, context),
        }
    }

    fn encoded_len(&self) -> usize {
        let number = if self.number == 0 { 0 } else { uint64::encoded_len(NUMBER, &self.number) };
        let dry_run = if self.dry_run { bool::encoded_len(DRY_RUN, &true) } else { 0 };
        number + self.members.bytes.len() + dry_run
    }

    fn clear(&mut self) {
        *self = ApplyRequest::default();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Entry, Member, entry, member};
    use super::*;

    /// The same message as prost itself would have it.
    #[derive(Clone, PartialEq, prost::Message)]
    struct Plain {
        #[prost(uint64, tag = "1")]
        number: u64,
        #[prost(message, repeated, tag = "2")]
        members: Vec<Member>,
        #[prost(bool, tag = "3")]
        dry_run: bool,
    }

    fn plain() -> impl Strategy<Value = Plain> {
        let member = ("[a-z]{0,200}", any::<i64>(), any::<bool>()).prop_map(|(id, units, up_to)| {
            let amount = Some(entry::Amount::Units(units));
            let entry = Entry { id, from: "a".into(), to: "b".into(), amount, up_to, ..Entry::default() };
            Member { kind: Some(member::Kind::Entry(entry)) }
        });
        (any::<u64>(), prop::collection::vec(member, 0..20), any::<bool>())
            .prop_map(|(number, members, dry_run)| Plain { number, members, dry_run })
    }

    proptest! {
        #[test]
        fn it_is_the_message_of_the_protocol(plain in plain()) {
            let mut ours = ApplyRequest { number: plain.number, dry_run: plain.dry_run, ..ApplyRequest::default() };
            plain.members.iter().for_each(|member| ours.members.push(member));
            let bytes = plain.encode_to_vec();
            prop_assert_eq!(ours.encode_to_vec(), bytes.clone());
            prop_assert_eq!(ours.encoded_len(), bytes.len());
            let read = ApplyRequest::decode(&*bytes).unwrap();
            prop_assert_eq!(&read, &ours);
            let members: Vec<_> = read.members.each().map(|member| Member::decode(member).unwrap()).collect();
            prop_assert_eq!(members.len(), read.members.len());
            prop_assert_eq!(members, plain.members);
        }

        #[test]
        fn no_bytes_make_it_fail_badly(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(read) = ApplyRequest::decode(&*bytes) {
                prop_assert_eq!(read.members.each().count(), read.members.len());
            }
        }
    }

    #[test]
    fn a_member_that_is_cut_off_is_refused() {
        let mut whole = ApplyRequest::default();
        whole.members.push_encoded(&[10, 0]);
        let bytes = whole.encode_to_vec();
        assert!(ApplyRequest::decode(&bytes[..bytes.len() - 1]).is_err());
    }
}
