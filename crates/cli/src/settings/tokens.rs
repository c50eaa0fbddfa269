//! Bearer tokens as settings. Refusals name the entry and never the token.

use server::Token;

/// The shortest token that is taken: shorter ones are guessed.
const SHORTEST: usize = 16;

/// Adds entries `NAME=TOKEN`.
pub(crate) fn add(tokens: &mut Vec<Token>, entries: &[String]) -> Result<(), String> {
    for (index, entry) in entries.iter().enumerate() {
        let place = index + 1;
        let Some((name, token)) = entry.split_once('=').map(|(name, token)| (name.trim(), token.trim()))
        else {
            return Err(format!("entry {place} is not NAME=TOKEN"));
        };
        if name.is_empty() || tokens.iter().any(|known| known.name() == name) {
            return Err(format!("entry {place} has the name {name:?}, which is empty or given twice"));
        }
        if token.len() < SHORTEST || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!(
                "the token of {name:?} must be at least {SHORTEST} visible ASCII characters without spaces"
            ));
        }
        tokens.push(Token::new(name, token));
    }
    Ok(())
}

/// Adds the lines of a file.
pub(crate) fn add_file(tokens: &mut Vec<Token>, path: &str) -> Result<(), String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {path}: {error}"))?;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        // Each line is one entry, so its refusal must name the line and not "entry 1".
        add(tokens, &[line.to_owned()])
            .map_err(|why| format!("{path}:{}: {}", index + 1, why.replace("entry 1 ", "the line ")))?;
    }
    Ok(())
}
