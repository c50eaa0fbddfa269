//! What reading a frame's payload promises about any bytes at all, checked by a function of the bytes.
//!
//! The fuzz target `entries` and the replay of its corpus call it; it is built for tests and fuzzing only. It must
//! never skip an input because of what was found with it. Read next: `entry.rs`, `docs/internals/fuzzing.md`.

use crate::entry::{self, Entry};

/// Bytes of an entry before its own: length and room.
const HEAD: usize = 5;

/// Reads `payload` as entries, decodes each, and panics where a promise is broken.
pub fn entries(payload: &[u8]) {
    const FIRST: u64 = 40;
    let mut taken = Vec::with_capacity(payload.len());
    let mut count = 0;
    let read = entry::read(payload, FIRST, |sequence, found| {
        assert_eq!(sequence, FIRST + count, "sequences follow each other");
        count += 1;
        let length = u32::try_from(found.bytes.len()).expect("a part of the payload");
        taken.extend_from_slice(&length.to_le_bytes());
        taken.push(found.room as u8);
        taken.extend_from_slice(found.bytes);
        match found.decode() {
            Ok(Entry::Ledger(encoded)) => ledger_event(&encoded),
            Ok(decoded) => again(&decoded),
            Err(fault) => assert!(fault.to_string().len() < 1_000, "a fault is short: {fault}"),
        }
        Ok(())
    });
    assert!(payload.starts_with(&taken), "what is read is what lies there, in order");
    assert_eq!(read.is_ok(), taken.len() == payload.len(), "nothing is passed over silently");
    assert!(taken.len() >= HEAD * usize::try_from(count).expect("fewer entries than bytes"));
}

/// An event of the ledger has one layout; what the index of ids learns of it is learnt of every event that can be read.
/// Whether it fits what came before is not judged here: the chain of frames vouches for that.
fn ledger_event(encoded: &[u8]) {
    const KEYS: ledger::Keys = ledger::Keys(7, 11);
    let mut learnt = 0;
    let learning = ledger::learnt(KEYS, encoded, 1, &mut |_, _| learnt += 1);
    assert!(learnt <= 2, "an event ends one thing and names one: {learnt}");
    match ledger::Kept::decode(encoded) {
        Ok(kept) => {
            assert_eq!(learning, Ok(()), "what can be read can be learnt of");
            let mut written = Vec::new();
            kept.encode(&mut written);
            assert_eq!(written, encoded, "one event has one layout");
        }
        Err(why) => {
            assert_eq!(learning.err(), Some(why.clone()), "both say what is wrong");
            assert!(!why.is_empty() && why.len() < 200, "{why}");
        }
    }
    again(&Entry::Ledger(encoded.to_vec()));
}

/// A decoded entry, written once more, is read as itself. Its bytes may differ: a number may be written longer than
/// it needs to be, but never by us.
fn again(decoded: &Entry) {
    let mut payload = Vec::new();
    match decoded {
        Entry::Event { kept, .. } => entry::push_event(&mut payload, kept.number, kept.at, &kept.event),
        Entry::Key(row) => entry::push_key(&mut payload, row),
        Entry::Ledger(encoded) => entry::push_ledger(&mut payload, encoded),
        Entry::Reply(row) => entry::push_reply(&mut payload, row),
        Entry::Topic(row) => entry::push_topic(&mut payload, row),
    }
    let mut read = 0;
    let whole = entry::read(&payload, 1, |_, found| {
        read += 1;
        match (decoded, found.decode()?) {
            (Entry::Event { kept: before, .. }, Entry::Event { kept: after, encoded }) => {
                assert_eq!(*before, after, "an event reads back as itself");
                assert_eq!(encoded, payload[HEAD..], "and always has the same bytes");
            }
            (Entry::Key(before), Entry::Key(after)) => {
                assert_eq!(*before, after, "a key reads back as itself");
            }
            (Entry::Ledger(before), Entry::Ledger(after)) => {
                assert_eq!(*before, after, "an event of the ledger reads back as itself");
            }
            (Entry::Reply(before), Entry::Reply(after)) => {
                assert_eq!(*before, after, "results read back as themselves");
            }
            (Entry::Topic(before), Entry::Topic(after)) => {
                assert_eq!(*before, after, "a topic reads back as itself");
            }
            (before, after) => panic!("{before:?} was read back as {after:?}"),
        }
        Ok(())
    });
    assert!(whole.is_ok() && read == 1, "what we write is one whole entry: {whole:?}");
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn the_corpus_breaks_no_promise() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/entries");
        let mut replayed = 0;
        for seed in std::fs::read_dir(&folder).unwrap() {
            let path = seed.unwrap().path();
            eprintln!("{}", path.display());
            super::entries(&std::fs::read(&path).unwrap());
            replayed += 1;
        }
        assert!(replayed >= 12, "{replayed} seeds in {}", folder.display());
    }
}
