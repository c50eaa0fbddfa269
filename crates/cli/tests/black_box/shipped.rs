//! What must not be in the binary that people run.

/// The bugs of the room `planted` are for the simulator: their switch is a variable with this name.
#[test]
fn nothing_planted_is_in_the_binary() {
    let binary = std::fs::read(env!("CARGO_BIN_EXE_tercet")).unwrap();
    let has = |name: &[u8]| binary.windows(name.len()).any(|window| window == name);
    assert!(has(b"TERCET_"), "it has variables");
    assert!(!has(b"TERCET_PLANTED"));
}
