//! The secret of branch calls as a setting: only ever a file, and refusals name the line, never what it holds.
//!
//! Read next: `participant/src/call/signature.rs`.

use server::call::Signature;

/// Reads the file of secrets.
pub(crate) fn read_file(signature: &mut Option<Signature>, path: &str) -> Result<(), String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {path}: {error}"))?;
    *signature = Some(Signature::of_lines(&text).map_err(|fault| format!("{path}: {fault}"))?);
    Ok(())
}
