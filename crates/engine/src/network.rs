//! The network port: makes branch calls. The one implementation that leaves the process is in `server`.

use transaction::{Call, Reply};

/// Called exactly once with what came back.
pub type Heard = Box<dyn FnOnce(Reply) + Send>;

/// Makes branch calls. Must bound each call by its `timeout_ms` and answer `Reply::Unknown` for whatever means nothing.
pub trait Network: Send {
    /// Starts the calls and returns at once; what comes back is heard later, from any thread. All that may go at one time
    /// comes together, so that one hand-over to the async world serves it.
    fn send(&self, calls: Vec<(Call, Heard)>);

    /// The participant a URL belongs to: `host:port`, in lower case. Calls of one participant share a queue and a breaker.
    fn participant(&self, url: &str) -> String {
        participant_of(url)
    }
}

/// The participant of a URL of the web.
#[must_use]
pub fn participant_of(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host).to_ascii_lowercase();
    let has_port = host
        .rsplit_once(':')
        .is_some_and(|(_, port)| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()));
    if has_port {
        host
    } else {
        format!("{host}:{}", if scheme.eq_ignore_ascii_case("https") { 443 } else { 80 })
    }
}

#[cfg(test)]
mod tests {
    use super::participant_of;

    #[test]
    fn a_participant_is_host_and_port() {
        let cases = [
            ("http://127.0.0.1:7001/try", "127.0.0.1:7001"),
            ("https://Stock.Example/a?b=c:9", "stock.example:443"),
            ("http://stock", "stock:80"),
            ("http://u:p@stock:81/x", "stock:81"),
            ("http://[::1]:80/x", "[::1]:80"),
            ("http://[::1]/x", "[::1]:80"),
        ];
        for (url, participant) in cases {
            assert_eq!(participant_of(url), participant, "{url}");
        }
    }
}
