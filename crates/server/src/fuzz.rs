//! The doors by which hostile bytes are brought in: by the fuzz targets, and by the replay of their corpus.
//!
//! Built for tests and fuzzing only. Each function panics where a promise is broken, and does nothing else.
//! Read next: `http/fuzz.rs`, `call/fuzz.rs`, `grpc/fuzz.rs`, `docs/internals/fuzzing.md`.

pub use crate::grpc::fuzz::frames;
pub use crate::http::fuzz::{begin, bodies, machine};

/// Reads what follows the first byte, which is the ledger's, as an amount of an entry in JSON and over gRPC.
pub fn amounts(bytes: &[u8]) {
    let Some(Ok(text)) = bytes.get(1..).map(std::str::from_utf8) else { return };
    crate::http::fuzz::amounts(text);
    crate::grpc::fuzz::amounts(text);
}

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
        replay("amounts", super::amounts);
        // Files of TOML are read by the room that has them.
        replay("machine_files", |data| super::machine(data.get(1..).unwrap_or_default()));
        replay("grpc_frames", super::frames);
    }
}
