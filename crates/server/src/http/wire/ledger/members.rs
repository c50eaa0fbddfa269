//! The list of a batch, read straight into the batch that the ledger takes.
//!
//! Never builds a list of bodies: each member is checked, pushed and forgotten, so a large batch takes little memory.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use ledger::Batch;
use ledger::refusal::BATCH_TOO_LARGE;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use transaction::Refusal;

use super::scalar::{Word, fresh_id};
use crate::http::wire::scalar::Object;
use crate::refusal::FIELD_INVALID;

/// The most members of a batch.
pub(in crate::http) const MEMBERS_MOST: usize = 8_000;

/// What can stand in the list of a batch.
pub(super) trait Member<'a>: Sized {
    /// The name of that list.
    const LIST: &'static str;

    /// Checks it and adds it. Pointers of refusals begin at the member.
    fn add(self, into: &mut Gathered<'a>) -> Result<(), Refusal>;
}

/// Whether an answer tells how much was moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Tells {
    /// The caller said how much.
    Nothing,
    /// The caller asked for what is there.
    Amount,
}

/// A batch with what its answer needs.
#[derive(Debug, Default)]
pub(in crate::http) struct Gathered<'a> {
    /// The members.
    pub(in crate::http) batch: Batch,
    /// Their ids, in order, and what their results tell.
    pub(in crate::http) named: Vec<(Cow<'a, str>, Tells)>,
}

impl<'a> Gathered<'a> {
    /// The id of the next member: its own, or a fresh one.
    pub(super) fn id(given: Option<Word<'a>>) -> Result<Cow<'a, str>, Refusal> {
        match given {
            None => Ok(Cow::Owned(fresh_id())),
            Some(word) => {
                word.id("/id")?;
                Ok(word.0)
            }
        }
    }
}

/// The members of a batch, read and checked; the first that is malformed refuses them all.
#[derive(Debug)]
pub(in crate::http) struct Members<'a, T> {
    gathered: Gathered<'a>,
    refused: Option<Refusal>,
    kind: PhantomData<T>,
}

impl<'a, T: Member<'a>> Members<'a, T> {
    /// The batch, if every member can be one.
    pub(super) fn gathered(self) -> Result<Gathered<'a>, Refusal> {
        if let Some(refusal) = self.refused {
            return Err(refusal);
        }
        if self.gathered.batch.is_empty() {
            let at = format!("/{}", T::LIST);
            return Err(FIELD_INVALID.at(at, format!("a batch has 1 to {MEMBERS_MOST} members")));
        }
        Ok(self.gathered)
    }
}

impl<'de: 'a, 'a, T: Member<'a> + Deserialize<'de>> Deserialize<'de> for Members<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads<'a, T>(PhantomData<(&'a (), T)>);
        impl<'de: 'a, 'a, T: Member<'a> + Deserialize<'de>> Visitor<'de> for Reads<'a, T> {
            type Value = Members<'a, T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
                // Room for one member: most batches are that small, and large ones grow by doubling.
                let mut gathered = Gathered { batch: Batch::with_capacity(1, 128), named: Vec::new() };
                let mut refused = None;
                let mut index = 0;
                while let Some(Object(member)) = elements.next_element::<Object<T>>()? {
                    if index == MEMBERS_MOST {
                        let code = BATCH_TOO_LARGE.code;
                        return Err(A::Error::custom(format_args!(
                            "{code}: more than {MEMBERS_MOST} members"
                        )));
                    }
                    if refused.is_none() {
                        refused = member.add(&mut gathered).err().map(|refusal| inside::<T>(index, refusal));
                    }
                    index += 1;
                }
                Ok(Members { gathered, refused, kind: PhantomData })
            }
        }
        deserializer.deserialize_seq(Reads(PhantomData))
    }
}

fn inside<'a, T: Member<'a>>(index: usize, refusal: Refusal) -> Refusal {
    let at = format!("/{}/{index}{}", T::LIST, refusal.at.as_deref().unwrap_or_default());
    Refusal { at: Some(at), ..refusal }
}
