//! What is judged and how hard; and whether there is anybody to judge.
//!
//! Read next: `stage.rs`.

use std::time::Duration;

use bytes::Bytes;
use hyper::Uri;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::checks;
use crate::form::Form;
use crate::wire::Wire;

/// A participant.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// Its name in reports.
    pub name: String,
    /// What it offers; each form is judged by itself.
    pub forms: Vec<Form>,
    /// Answers a GET with a flat JSON object of integers: the figures of what it owns, and nothing that only counts up
    /// with calls.
    pub probe: Option<String>,
    /// The body of an ordinary call. It must be possible every time.
    pub body: Bytes,
    /// Another body that is as ordinary. Without one, the first whole number of `body` plus one.
    pub other_body: Option<Bytes>,
    /// A body that the participant must refuse.
    pub refused_body: Option<Bytes>,
    /// The secret that calls are signed with.
    pub secret: Option<Bytes>,
}

/// How hard to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The names of the checks to make, beside the ordinary run; all when empty.
    pub only: Vec<String>,
    /// How often calls meet at the same instant.
    pub races: usize,
    /// How many times an operation comes at once.
    pub duplicates: usize,
    /// The bound of one call.
    pub timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Options { only: Vec::new(), races: 200, duplicates: 100, timeout: Duration::from_secs(5) }
    }
}

impl Options {
    /// How many ordinary bodies a participant must be able to serve for good, at most, for one form.
    pub fn units(&self) -> usize {
        2 * self.races + 2 * self.duplicates + 100
    }
}

/// Why nothing could be judged.
#[derive(Debug, thiserror::Error)]
pub enum Obstacle {
    /// No form was given.
    #[error("there is nothing to call: give the URLs of an operation")]
    NoForm,
    /// A check was asked for that there is not.
    #[error("there is no check `{name}`; the checks are {known}")]
    NoCheck {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// A URL that cannot be called.
    #[error("{url} is no URL that the kit can call: {why}")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Nobody listens.
    #[error("nobody answers at {url}: {why}")]
    Unreachable {
        /// What was called.
        url: String,
        /// What the system says.
        why: String,
    },
    /// The probe gives no figures.
    #[error("the probe {url} gives no figures: {why}")]
    Probe {
        /// What was asked.
        url: String,
        /// What is wrong with the answer.
        why: String,
    },
}

/// A URL, checked.
pub(crate) fn place(url: &str) -> Result<Uri, Obstacle> {
    let bad = |why| Obstacle::Url { url: url.to_owned(), why };
    let uri: Uri = url.parse().map_err(|_| bad("it does not parse"))?;
    match (uri.scheme_str(), uri.host()) {
        (Some("http"), Some(_)) => Ok(uri),
        (Some("https"), _) => Err(bad("https is not spoken here; give the address behind the TLS end")),
        _ => Err(bad("it must begin with http:// and a host")),
    }
}

/// The wire to the target, once every address of it takes connections and its probe has figures.
pub(crate) async fn reach(target: &Target, options: &Options) -> Result<Wire, Obstacle> {
    if target.forms.is_empty() {
        return Err(Obstacle::NoForm);
    }
    if let Some(name) = options.only.iter().find(|name| !checks::names().any(|known| known == *name)) {
        let known = checks::names().collect::<Vec<_>>().join(", ");
        return Err(Obstacle::NoCheck { name: name.clone(), known });
    }
    let parts = target.forms.iter().flat_map(Form::parts).map(|(.., url)| url);
    for url in parts.chain(target.probe.as_deref()) {
        let uri = place(url)?;
        let (host, port) = (uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(80));
        let host = host.trim_matches(['[', ']']);
        let unreachable = |why: String| Obstacle::Unreachable { url: url.to_owned(), why };
        match timeout(options.timeout, TcpStream::connect((host, port))).await {
            Ok(Ok(_)) => {}
            Ok(Err(fault)) => return Err(unreachable(fault.to_string())),
            Err(_) => return Err(unreachable("no connection in time".to_owned())),
        }
    }
    let wire = Wire::new(options.timeout);
    if let Some(url) = &target.probe {
        let why = wire.figures(&place(url)?).await.err();
        why.map_or(Ok(()), |why| Err(Obstacle::Probe { url: url.clone(), why }))?;
    }
    Ok(wire)
}
