//! What reading a machine's file promises about any bytes at all: refused with its place, or a machine that is the same
//! however it is written, whose check and diagram come to an end.
//!
//! The fuzz target `machine_files` takes this file and `file.rs` in by their paths: a program cannot be linked. Built for
//! tests and fuzzing only. It must never skip an input because of what was found with it. Read next: `file.rs`.

use std::path::Path;

use ledger::Machine;
use server::MachineBody;

use super::file::Text;

/// The longest name that `check` lets pass, the text of a guard, and what an arrow adds.
const LABEL: usize = 64 * 1024;

/// Reads `data` as a file's text, JSON after a `j` and TOML after anything else; panics where a promise is broken.
/// Answers the JSON that the API would be given.
pub(crate) fn machine_file(data: &[u8]) -> Option<String> {
    let (kind, bytes) = data.split_first()?;
    let name = if *kind == b'j' { "m.json" } else { "m.toml" };
    let text = std::str::from_utf8(bytes).ok()?;
    let json = match read(name, text) {
        Ok(json) => json,
        Err(why) => {
            let has_place = why.contains("line ") || why.contains("(at /");
            assert!(why.starts_with(name) && has_place, "no place: {why}");
            assert!(why.len() <= 1_000 + 4 * text.len(), "{} bytes about {}", why.len(), text.len());
            return None;
        }
    };
    assert_eq!(read("m.JSON", &json).as_ref(), Ok(&json), "what was made of a file is JSON");
    let machine = machine(&json)?;
    if name == "m.toml" {
        same_in_toml(text, &machine);
    }
    match machine.check() {
        Ok(()) => drawn(&machine),
        Err(faults) => {
            assert!((1..=100).contains(&faults.len()), "{} faults", faults.len());
            let placed = |fault: &transaction::Refusal| fault.at.is_some() && fault.detail.len() < 5_000;
            assert!(faults.iter().all(placed), "{faults:?}");
        }
    }
    Some(json)
}

fn read(name: &str, text: &str) -> Result<String, String> {
    Text::of(Path::new(name), text.to_owned()).into_json().map_err(|unreadable| unreadable.to_string())
}

fn machine(json: &str) -> Option<Machine> {
    serde_json::from_str::<MachineBody>(json).ok()?.into_machine().ok()
}

/// TOML read without a detour over JSON means the same.
fn same_in_toml(text: &str, machine: &Machine) {
    let body: MachineBody = toml::from_str(text).expect("what was read as JSON is read as TOML");
    assert_eq!(body.into_machine().as_ref(), Ok(machine));
}

/// A diagram has a line for each arrow at most twice, and nothing in it ends a line.
fn drawn(machine: &Machine) {
    let diagram = machine.mermaid();
    let arrows: usize = machine.moves.iter().map(|found| found.from.len()).sum();
    let most = 2 + 2 * arrows + 4 * machine.states.len();
    assert!(diagram.lines().count() <= most, "{} lines for {arrows} arrows", diagram.lines().count());
    assert!(diagram.lines().all(|line| line.len() <= LABEL), "a label is bounded");
    assert!(diagram.lines().skip(1).all(|line| line.starts_with("    ")), "nothing ends a line: {diagram}");
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn the_corpus_breaks_no_promise() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/machine_files");
        let (mut replayed, mut read) = (0, 0);
        for seed in std::fs::read_dir(&folder).unwrap() {
            let path = seed.unwrap().path();
            eprintln!("{}", path.display());
            read += usize::from(super::machine_file(&std::fs::read(&path).unwrap()).is_some());
            replayed += 1;
        }
        assert!(replayed >= 12 && read >= 5, "{replayed} seeds, {read} machines in {}", folder.display());
    }
}
