//! A business change in Redis: its script, and the keys and arguments of one call.
//!
//! All keys carry the same hash tag, `{…}`: the barrier's record is put beside them under it, so that one script can
//! reach both, in a cluster too (<https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags>).

use std::sync::{Arc, LazyLock};

use redis::Script;

/// The barrier's part of every script.
const BARRIER: &str = include_str!("barrier.lua");
/// Where the business's part goes.
const HERE: &str = "--[[business]]";

static NOTHING: LazyLock<BusinessScript> =
    LazyLock::new(|| BusinessScript::new("return {allow = function() end, apply = function() end}"));

/// A business change as Lua, made once and used for every call. Cheap to clone.
///
/// A chunk that returns two functions, of which only the first may refuse and only the second may write:
/// ```lua
/// return {
///   -- Reads. Returns nothing (go on), {'refused', code, detail} or {'in_progress'}. Whatever could keep the change
///   -- from being made must be found out here: missing keys, wrong types, too little.
///   allow = function(read, keys, arguments, result)
///     if read('EXISTS', keys[1]) == 0 then return {'refused', 'no_such_thing', 'there is no ' .. keys[1]} end
///   end,
///   -- Writes. May return what is answered, as JSON text of at most 64 KiB.
///   apply = function(write, keys, arguments, result)
///     write('INCRBY', keys[1], arguments[1])
///   end,
/// }
/// ```
/// `read` and `write` are `redis.call`, which is not to be had otherwise; `result` is what the try (or action) of the
/// branch answered, if it has been made. An error in `allow` changes nothing. An error in `apply` leaves what it had
/// written: the branch is marked as broken and answers a fault from then on, until a person has looked.
#[derive(Clone, Debug)]
pub struct BusinessScript {
    lua: Arc<str>,
    hash: Arc<str>,
}

impl BusinessScript {
    /// Of Lua text that you wrote; never build it from what a call says.
    #[must_use]
    pub fn new(lua: &str) -> BusinessScript {
        let lua = BARRIER.replacen(HERE, lua, 1);
        let hash = Script::new(&lua).get_hash().into();
        BusinessScript { lua: lua.into(), hash }
    }

    /// The whole script, as Redis gets it.
    pub(super) fn lua(&self) -> &str {
        &self.lua
    }

    /// Its SHA-1, by which Redis knows it once it has seen it.
    pub(super) fn hash(&self) -> &str {
        &self.hash
    }
}

/// The business change of one call.
#[derive(Clone, Debug)]
pub struct Change {
    pub(super) script: BusinessScript,
    pub(super) tag: String,
    pub(super) keys: Vec<String>,
    pub(super) arguments: Vec<String>,
    pub(super) guard: Option<Guard>,
}

/// A key that tells whether this Redis still holds what it was given.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    pub(super) key: String,
    pub(super) epoch: String,
}

/// Why keys are not fit for one script.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// There is none.
    #[error("a change names no key; the barrier's record goes into the slot of the business's keys")]
    None,
    /// No hash tag.
    #[error(
        "the key {key} has no hash tag {{…}}; the barrier's record must be in the same slot of a cluster"
    )]
    Untagged {
        /// Which.
        key: String,
    },
    /// Two hash tags.
    #[error("the keys {one} and {other} have different hash tags: no script can change both in a cluster")]
    Apart {
        /// The first.
        one: String,
        /// The one that differs.
        other: String,
    },
    /// An epoch is a text that something can be equal to.
    #[error("an epoch must not be empty")]
    Epoch,
}

impl Change {
    /// Of these keys, with these arguments.
    ///
    /// # Errors
    /// When the keys do not all have the same hash tag.
    pub fn new(script: &BusinessScript, keys: &[String], arguments: Vec<String>) -> Result<Change, KeyFault> {
        let one = keys.first().ok_or(KeyFault::None)?;
        let tag = tag_of(one)?.to_owned();
        for other in &keys[1..] {
            if tag_of(other)? != tag {
                return Err(KeyFault::Apart { one: one.clone(), other: other.clone() });
            }
        }
        Ok(Change { script: script.clone(), tag, keys: keys.to_vec(), arguments, guard: None })
    }

    /// Of nothing: for a check-back, whose answer is the record itself. `key` is one of those that the initiator's own
    /// change had.
    ///
    /// # Errors
    /// When the key has no hash tag.
    pub fn nothing(key: &str) -> Result<Change, KeyFault> {
        Change::new(&NOTHING, &[key.to_owned()], Vec::new())
    }

    /// Made only while `key` holds `epoch`; otherwise the call is a fault ([`super::Fault::Lost`]), whatever it asks. Who
    /// fills this Redis writes the key last: a Redis that was emptied does not have it and takes no part.
    ///
    /// # Errors
    /// When the key is not beside the others, or the epoch is empty.
    pub fn guarded(self, key: &str, epoch: &str) -> Result<Change, KeyFault> {
        if epoch.is_empty() {
            return Err(KeyFault::Epoch);
        }
        if tag_of(key)? != self.tag {
            let one = self.keys.first().cloned().unwrap_or_default();
            return Err(KeyFault::Apart { one, other: key.to_owned() });
        }
        Ok(Change { guard: Some(Guard { key: key.to_owned(), epoch: epoch.to_owned() }), ..self })
    }
}

/// What a cluster hashes of a key: the text between its first `{` and the next `}`.
fn tag_of(key: &str) -> Result<&str, KeyFault> {
    let behind = key.split_once('{').map(|(_, behind)| behind);
    let tag = behind.and_then(|behind| behind.split_once('}')).map(|(tag, _)| tag);
    tag.filter(|tag| !tag.is_empty()).ok_or_else(|| KeyFault::Untagged { key: key.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::{BARRIER, BusinessScript, Change, HERE, KeyFault, tag_of};

    fn change(keys: &[&str]) -> Result<Change, KeyFault> {
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        Change::new(&BusinessScript::new("return {}"), &keys, Vec::new())
    }

    #[test]
    fn a_tag_is_what_a_cluster_takes_for_one() {
        assert_eq!(tag_of("stock:{sku-1}:eu{x}"), Ok("sku-1"));
        for key in ["stock", "stock:{}", "stock:{}{a}", "stock:{a", "stock}a{"] {
            assert_eq!(tag_of(key), Err(KeyFault::Untagged { key: key.to_owned() }));
        }
    }

    #[test]
    fn keys_in_different_slots_are_refused() {
        assert_eq!(change(&["a:{x}", "b:{x}"]).map(|change| change.tag), Ok("x".to_owned()));
        assert_eq!(change(&[]).err(), Some(KeyFault::None));
        let apart = KeyFault::Apart { one: "a:{x}".to_owned(), other: "b:{y}".to_owned() };
        assert_eq!(change(&["a:{x}", "b:{y}"]).err(), Some(apart.clone()));
        assert_eq!(change(&["a:{x}"]).and_then(|it| it.guarded("b:{y}", "1")).err(), Some(apart));
        assert_eq!(change(&["a:{x}"]).and_then(|it| it.guarded("b:{x}", "")).err(), Some(KeyFault::Epoch));
    }

    #[test]
    fn the_business_has_one_place_in_the_script() {
        assert_eq!(BARRIER.matches(HERE).count(), 1);
    }
}
