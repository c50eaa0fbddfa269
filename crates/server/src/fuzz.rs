//! The doors by which hostile bytes are brought in: by the fuzz targets, and by the replay of their corpus.
//!
//! Built for tests and fuzzing only. Each function panics where a promise is broken, and does nothing else.
//! Read next: `http/fuzz.rs`, `call/fuzz.rs`, `docs/internals/fuzzing.md`.

pub use crate::http::fuzz::{begin, bodies};

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
        replay("http_begin", super::begin);
        replay("http_bodies", super::bodies);
    }
}
