//! `tercet relay trail`: what the outbox knows about a message, and what the server does.

use participant::database::Dialect;
use participant::outbox::{Outbox, State, Trail};
use serde_json::json;

use crate::ask::Server;
use crate::terminal::{Style, Told, card};
use crate::tx::timeline;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The message's id
    id: String,
    /// The server it was sent to: tells the timeline of its transaction too
    #[arg(long, value_name = "URL")]
    server: Option<String>,
}

pub(super) async fn told<D: Dialect>(outbox: &Outbox<D>, args: &Args) -> Told {
    let Some(letter) = outbox.trail(&args.id).await? else {
        return Ok(Err(format!("no message {} in this outbox; it may have been purged", args.id)));
    };
    let mut text = words(&letter);
    if let Some(url) = &args.server {
        let server = Server::at(url, std::env::var("TERCET_TOKEN").ok());
        let id = args.id.clone();
        // It waits on a runtime of its own.
        match tokio::task::spawn_blocking(move || timeline(&server, &id, Style::Table)).await?? {
            Ok(told) => text = format!("{text}\n\n{told}"),
            Err(refusal) => text = format!("{text}\n\nthe server: {refusal}"),
        }
    }
    Ok(Ok(text))
}

fn words(letter: &Trail) -> String {
    let is_held = letter.lease_by.is_some();
    let is_waiting = letter.state == State::Waiting;
    let body = json!({
        "state": letter.state.name(),
        "destination": letter.destination,
        "key": letter.key,
        "created": time(letter.created_ms),
        "attempts": letter.attempts,
        "last_error": letter.last_error,
        "held_by": letter.lease_by,
        "held_until": is_held.then(|| time(letter.due_ms)),
        "due": (is_waiting && !is_held).then(|| time(letter.due_ms)),
        "settled": letter.settled_ms.map(time),
    });
    let fields = [
        "state",
        "destination",
        "key",
        "created",
        "attempts",
        "last_error",
        "held_by",
        "held_until",
        "due",
        "settled",
    ];
    card(&format!("message {}", letter.message_id), &fields, &body)
}

/// RFC 3339.
pub(super) fn time(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |time| format!("{time:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trail_tells_what_there_is() {
        let letter = Trail {
            id: 7,
            message_id: "paid-1".into(),
            key: None,
            destination: "http://127.0.0.1:1/x".into(),
            state: State::Waiting,
            attempts: 2,
            last_error: Some("HTTP 500: \u{1b}[2J".into()),
            lease_by: None,
            created_ms: 1_767_323_045_007,
            due_ms: 1_767_323_046_000,
            settled_ms: None,
        };
        let text = words(&letter);
        assert!(text.starts_with("message paid-1\n  state          waiting"), "{text}");
        assert!(text.contains("2026-01-02T03:04:05.007Z") && text.contains("HTTP 500: ·[2J"), "{text}");
        assert!(!text.contains("held") && !text.contains("key"), "{text}");
    }
}
