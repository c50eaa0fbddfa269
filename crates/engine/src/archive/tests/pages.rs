//! Pages of live state: the newest of each stands, in order of table and index, after a reopening too.

use std::collections::BTreeMap;

use fastrand::Rng;
use ledger::PageId;

use super::{on_disk, over_each_store};
use crate::archive::Archive;

type Model = BTreeMap<PageId, (u64, Vec<u8>)>;

fn put(archive: &Archive, model: &mut Model, rng: &mut Rng) {
    let mut pages = BTreeMap::new();
    for _ in 0..rng.usize(1..40) {
        let page = PageId { table: rng.u8(1..4), index: rng.u32(..300) };
        let bytes: Vec<u8> = (0..rng.usize(..9_000)).map(|_| rng.u8(..)).collect();
        pages.insert(page, (rng.u64(..), bytes));
    }
    let given: Vec<_> =
        pages.iter().map(|(page, (position, bytes))| (*page, *position, bytes.clone())).collect();
    archive.put_pages(&given, None).unwrap();
    model.extend(pages);
}

fn assert_pages(archive: &Archive, model: &Model) {
    let mut found = Vec::new();
    archive
        .pages(&mut |page, position, bytes| {
            found.push((page, (position, bytes.to_vec())));
            Ok(())
        })
        .unwrap();
    let expected: Vec<_> = model.iter().map(|(page, value)| (*page, value.clone())).collect();
    assert!(found == expected, "the newest of each page, in order");
}

#[test]
fn the_newest_of_each_page_stands() {
    over_each_store(|archive| {
        let (mut model, mut rng) = (Model::new(), Rng::with_seed(81));
        assert_eq!(archive.swept().unwrap(), 0);
        (0..30).for_each(|_| put(archive, &mut model, &mut rng));
        assert_pages(archive, &model);
        archive.put_pages(&[], Some(77)).unwrap();
        archive.put_pages(&[], None).unwrap();
        assert_eq!(archive.swept().unwrap(), 77);
    });
}

#[test]
fn pages_and_keys_are_there_after_a_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let (mut model, mut rng) = (Model::new(), Rng::with_seed(82));
    let archive = on_disk(folder.path());
    let keys = archive.keys();
    assert_ne!(keys.0, keys.1);
    put(&archive, &mut model, &mut rng);
    archive.put_pages(&[], Some(5)).unwrap();
    archive.persist().unwrap();
    drop(archive);
    let archive = on_disk(folder.path());
    assert_pages(&archive, &model);
    assert_eq!((archive.keys(), archive.swept().unwrap()), (keys, 5));
    let other = tempfile::tempdir().unwrap();
    assert_ne!(on_disk(other.path()).keys(), keys);
    assert_eq!(Archive::in_memory().keys(), Archive::in_memory().keys());
}
