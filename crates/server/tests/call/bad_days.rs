//! Participants that answer garbage, without end, a byte at a time, or never: *unknown*, in bounded time and memory.

use std::time::Instant;

use tokio::net::TcpListener;

use super::*;

/// Ample for what the sockets of both sides hold.
const BUFFERED_MAX: usize = 32 * 1024 * 1024;

fn head(rest: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n{rest}")
}

#[tokio::test]
async fn an_answer_that_means_nothing_is_unknown() {
    let huge = head(&format!("Content-Length: {}\r\n\r\n", 1 << 30));
    let chunked = head("Transfer-Encoding: chunked\r\n\r\n");
    let chunk = format!("10000\r\n{}\r\n", "a".repeat(0x10000)).into_bytes();
    let zeros = vec![b'a'; 64 * 1024];
    let too_large = "answer larger than 65536 bytes";
    let many = (0..200).map(|index| format!("X-{index}: 1\r\n")).collect::<String>();
    let cases = [
        (Act::Close, "connection closed before the answer"),
        (Act::Answer("garbage\r\n\r\n".to_owned()), "answer is not HTTP"),
        (Act::Answer("HTTP/1.1 999999 X\r\n\r\n".to_owned()), "answer is not HTTP"),
        (Act::Answer("\0".repeat(100)), "answer is not HTTP"),
        (Act::Answer("SSH-2.0-OpenSSH_9.6\r\n".to_owned()), "answer is not HTTP"),
        (Act::Endless(huge, zeros.clone()), too_large),
        (Act::Endless(chunked, chunk), too_large),
        (Act::Endless(head("\r\n"), zeros.clone()), too_large),
        (Act::Endless(head("X-Long: "), zeros), "answer has too large a head"),
        (Act::Endless(head(""), b"X-Many: 1\r\n".to_vec()), "answer has too large a head"),
        (Act::Answer(head(&format!("{many}\r\n"))), "answer has too large a head"),
        (Act::Answer(head("Transfer-Encoding: chunked\r\n\r\nzz\r\n")), "answer broken off"),
        (Act::Answer(head("Content-Length: 1\r\nContent-Length: 2\r\n\r\nab")), "answer is not HTTP"),
    ];
    for (act, expected) in cases {
        let (participant, begun) = (Participant::start(act).await, Instant::now());
        assert_eq!(ask_url(&participant.url("/try")).await, unknown(expected));
        assert!(begun.elapsed() < Duration::from_secs(2), "{expected}: {:?}", begun.elapsed());
        // It was hung up on: nobody reads on.
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(participant.written() < BUFFERED_MAX, "{expected}: {} bytes", participant.written());
        assert_eq!((participant.connections(), participant.requests().len()), (1, 1), "{expected}");
    }
}

#[tokio::test]
async fn a_slow_answer_ends_at_the_time_out() {
    let second = Duration::from_millis(50);
    let informing = b"HTTP/1.1 100 Continue\r\n\r\n".to_vec();
    let acts = [
        Act::Silence,
        Act::Drip(String::new(), second),
        Act::Drip(head("X-Slow: "), second),
        Act::Drip(head("Content-Length: 60000\r\n\r\n"), second),
        Act::Drip("HTTP/1.1 409 Conflict\r\nContent-Length: 60000\r\n\r\n".to_owned(), second),
        Act::Endless(String::new(), informing),
    ];
    for act in acts {
        let (participant, begun) = (Participant::start(act).await, Instant::now());
        let call = Call { timeout_ms: 300, ..call(&participant.url("/try")) };
        let reply = ask(&caller(), call).await;
        let Reply::Unknown { error } = reply else { panic!("{reply:?}") };
        assert!(["time-out after 300 ms", "answer is not HTTP"].contains(&&*error), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn nobody_waits_for_a_body_that_means_nothing() {
    for (code, expected) in [(503, unknown("HTTP 503")), (202, Reply::InProgress)] {
        let slow = format!("HTTP/1.1 {code} X\r\nContent-Length: 60000\r\n\r\n");
        let endless = format!("HTTP/1.1 {code} X\r\nContent-Length: {}\r\n\r\n", 1 << 30);
        for act in [Act::Drip(slow, Duration::from_millis(50)), Act::Endless(endless, vec![b'a'; 65_536])] {
            let (participant, begun) = (Participant::start(act).await, Instant::now());
            assert_eq!(ask_url(&participant.url("/try")).await, expected);
            assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
            assert!(participant.written() < BUFFERED_MAX);
        }
    }
}

#[tokio::test]
async fn an_answer_cut_short_is_unknown() {
    // Hears the next request, which never comes, and meanwhile the coordinator's time-out ends it.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/try", listener.local_addr().unwrap());
    let cut = async {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_buf(&mut Vec::with_capacity(4_096)).await.unwrap();
        stream.write_all(head("Content-Length: 100\r\n\r\n{\"r\":").as_bytes()).await.unwrap();
    };
    let (reply, ()) = tokio::join!(ask_url(&url), cut);
    assert_eq!(reply, unknown("answer broken off"));
}

#[tokio::test]
async fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    assert_eq!(
        ask_url(&format!("http://{address}/try")).await,
        unknown(format!("connection refused by {address}"))
    );
}

#[tokio::test]
async fn a_request_is_never_sent_twice() {
    // Each connection answers once and then closes on the request it has heard: had anybody repeated that one behind
    // the engine's back, there would be more requests than calls.
    let stock = Participant::start(Act::AnswerOnce(answer(200, "7"))).await;
    let caller = caller();
    for index in 0..10 {
        let reply = ask(&caller, call(&stock.url("/try"))).await;
        let expected =
            if index % 2 == 0 { done("7") } else { unknown("connection closed before the answer") };
        assert_eq!(reply, expected, "call {index}");
    }
    assert_eq!((stock.requests().len(), stock.connections()), (10, 5));
}
