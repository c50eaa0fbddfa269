//! What reading amounts and pages promises about any bytes at all, checked by functions of the bytes.
//!
//! The fuzz targets `amounts` and `pages` and the replay of their corpus call them; built for tests and fuzzing only. It
//! must never skip an input because of what was found with it. Read next: `amount.rs`, `page.rs`, `docs/internals/fuzzing.md`.

mod amounts;
mod pages;

pub use amounts::amounts;
pub use pages::pages;

#[cfg(test)]
mod tests {
    use std::path::Path;

    fn replay(target: &str, door: fn(&[u8])) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
        let mut replayed = 0;
        for seed in std::fs::read_dir(&folder).unwrap() {
            let path = seed.unwrap().path();
            eprintln!("{}", path.display());
            door(&std::fs::read(&path).unwrap());
            replayed += 1;
        }
        assert!(replayed >= 12, "{replayed} seeds in {}", folder.display());
    }

    #[test]
    fn the_corpora_break_no_promise() {
        replay("amounts", super::amounts);
        replay("pages", super::pages);
    }
}
