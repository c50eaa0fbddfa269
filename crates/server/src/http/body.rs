//! Reads a body: within its size, its time and the room for all bodies; and looks at its depth before any parser does.

use bytes::{Buf, Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Body;
use transaction::Refusal;

use super::limits::{HttpLimits, Load, Room};
use crate::refusal::{BODY_LATE, BODY_TOO_LARGE, JSON_INVALID, JSON_TOO_DEEP};

/// A body with the room it takes.
pub(super) struct Held<'a> {
    pub(super) bytes: Bytes,
    _room: Room<'a>,
}

/// Reads a whole body of at most `most` bytes.
pub(super) async fn read<'a, B>(
    body: B,
    (limits, most): (&HttpLimits, usize),
    load: &'a Load,
) -> Result<Held<'a>, Refusal>
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut room = load.room();
    if body.is_end_stream() {
        return Ok(Held { bytes: Bytes::new(), _room: room });
    }
    if body.size_hint().lower() > most as u64 {
        return Err(too_large(most));
    }
    match tokio::time::timeout(limits.body_timeout(), gather(body, most, &mut room)).await {
        Ok(bytes) => Ok(Held { bytes: bytes?, _room: room }),
        Err(_) => {
            Err(BODY_LATE.because(format!("the body did not arrive within {} ms", limits.body_timeout_ms)))
        }
    }
}

async fn gather<B>(mut body: B, most: usize, room: &mut Room<'_>) -> Result<Bytes, Refusal>
where
    B: Body<Data = Bytes> + Unpin,
{
    // Nearly every body comes in one piece: that piece is kept as it is.
    let mut whole = Bytes::new();
    let mut pieces = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| JSON_INVALID.because("the body broke off"))?;
        let Ok(piece) = frame.into_data() else { continue };
        if whole.len() + pieces.len() + piece.len() > most {
            return Err(too_large(most));
        }
        room.grow(piece.len())?;
        if whole.is_empty() && pieces.is_empty() {
            whole = piece;
        } else {
            if whole.has_remaining() {
                pieces.extend_from_slice(&std::mem::take(&mut whole));
            }
            pieces.extend_from_slice(&piece);
        }
    }
    Ok(if pieces.is_empty() { whole } else { pieces.freeze() })
}

fn too_large(most: usize) -> Refusal {
    BODY_TOO_LARGE.because(format!("a body may have at most {most} bytes here"))
}

/// Checks that the body is UTF-8 and not nested deeper than `depth`; says nothing else about it.
pub(super) fn text(body: &[u8], depth: usize) -> Result<&str, Refusal> {
    let text = std::str::from_utf8(body)
        .map_err(|error| JSON_INVALID.because(format!("byte {} is not UTF-8", error.valid_up_to())))?;
    if is_deeper(body, depth) {
        return Err(
            JSON_TOO_DEEP.because(format!("at most {depth} levels of arrays and objects are allowed"))
        );
    }
    Ok(text)
}

/// Whether more than `depth` brackets are open at once outside strings.
fn is_deeper(body: &[u8], depth: usize) -> bool {
    let mut open = 0_usize;
    let mut at = 0;
    while let Some(&byte) = body.get(at) {
        match byte {
            b'"' => at = end_of_string(body, at),
            b'{' | b'[' => {
                open += 1;
                if open > depth {
                    return true;
                }
            }
            b'}' | b']' => open = open.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    false
}

/// Where the string that opens at `start` closes (or the end, when it does not).
pub(super) fn end_of_string(body: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(&byte) = body.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    body.len()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};
    use std::time::Duration;

    use http_body_util::Full;
    use hyper::body::Frame;

    use super::*;

    fn limits() -> HttpLimits {
        HttpLimits { body_bytes: 10, bodies_bytes: 15, body_timeout_ms: 50, ..HttpLimits::default() }
    }

    /// A body in pieces; with none, one that never comes.
    struct Pieces(Vec<usize>);

    impl Body for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            if self.0.is_empty() {
                return Poll::Pending;
            }
            let size = self.0.remove(0);
            Poll::Ready((size > 0).then(|| Ok(Frame::data(Bytes::from(vec![b'x'; size])))))
        }
    }

    fn pieces(sizes: &[usize]) -> Pieces {
        Pieces([sizes, &[0]].concat())
    }

    async fn outcome(body: impl Body<Data = Bytes> + Unpin, load: &Load) -> Result<usize, &'static str> {
        match read(body, (&limits(), 10), load).await {
            Ok(held) => Ok(held.bytes.len()),
            Err(refusal) => Err(refusal.kind.code),
        }
    }

    #[tokio::test]
    async fn bodies_are_bounded_in_size() {
        let load = Load::new(&limits());
        assert_eq!(outcome(Full::new(Bytes::new()), &load).await, Ok(0));
        assert_eq!(outcome(Full::new(Bytes::from(vec![0; 10])), &load).await, Ok(10));
        assert_eq!(outcome(Full::new(Bytes::from(vec![0; 11])), &load).await, Err("body_too_large"));
        assert_eq!(outcome(pieces(&[3, 4, 3]), &load).await, Ok(10));
        assert_eq!(outcome(pieces(&[3, 4, 4]), &load).await, Err("body_too_large"));
    }

    #[tokio::test]
    async fn the_room_for_all_bodies_is_bounded() {
        let load = Load::new(&limits());
        let first = read(pieces(&[8]), (&limits(), 10), &load).await;
        assert!(first.is_ok());
        assert_eq!(outcome(pieces(&[5, 3]), &load).await, Err("overloaded"));
        drop(first);
        assert_eq!(outcome(pieces(&[5, 3]), &load).await, Ok(8));
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_is_given_up() {
        let load = Load::new(&limits());
        let began = std::time::Instant::now();
        assert_eq!(outcome(Pieces(Vec::new()), &load).await, Err("body_late"));
        assert!(began.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn depth_is_counted_outside_strings() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(text(nested(32).as_bytes(), 32).is_ok());
        let refusal = text(nested(33).as_bytes(), 32).unwrap_err();
        assert_eq!(refusal.kind.code, "json_too_deep");
        assert!(text(nested(500_000).as_bytes(), 32).is_err());
        let strings = format!(r#"{{"a":"{}","b\"{}":1}}"#, "[".repeat(40), "{".repeat(40));
        assert!(text(strings.as_bytes(), 32).is_ok());
        let wide = format!("[{}1]", "[],".repeat(1000));
        assert!(text(wide.as_bytes(), 2).is_ok());
        assert!(text(b"\"never closed [[[[", 2).is_ok());
    }

    #[test]
    fn what_is_not_utf8_is_refused() {
        assert_eq!(text(b"{\"a\":\"\xff\"}", 32).unwrap_err().kind.code, "json_invalid");
    }
}
