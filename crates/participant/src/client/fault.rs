//! Why a call came to nothing, and whether asking again may help.

use std::time::Duration;

/// Why a call came to nothing.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Fault {
    /// The coordinator refused it: nothing was changed (`outcome_unknown` apart, which says that nobody knows).
    #[error("{}: {}", .0.code, .0.detail)]
    Refused(Box<Refused>),
    /// Nobody answered, however often it was repeated. What became of it is unknown: ask again with the same ids.
    #[error("no answer: {0}")]
    Unreachable(String),
    /// What was answered could not be understood.
    #[error("the answer makes no sense: {0}")]
    Misunderstood(String),
    /// This way of asking cannot do it.
    #[error("{0}")]
    Unsupported(&'static str),
    /// A setting makes no sense.
    #[error("{0}")]
    Setting(String),
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The stable code, see the reference of refusals.
    pub code: String,
    /// What exactly was wrong.
    pub detail: String,
    /// JSON pointer to the field that is meant; empty: none.
    pub at: String,
    /// The status of HTTP; `None` over gRPC, where the code says it all.
    pub status: Option<u16>,
    /// Ask again after that; `None`: asking again does not help.
    pub retry_after: Option<Duration>,
}

impl Fault {
    /// Asking again with the same ids may help.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Fault::Refused(refused) => refused.retry_after.is_some(),
            Fault::Unreachable(_) => true,
            Fault::Misunderstood(_) | Fault::Unsupported(_) | Fault::Setting(_) => false,
        }
    }

    /// Nobody knows what became of it: not refused, not done. Ask again with the same ids, which is always safe.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        match self {
            Fault::Refused(refused) => refused.code == "outcome_unknown",
            Fault::Unreachable(_) | Fault::Misunderstood(_) => true,
            Fault::Unsupported(_) | Fault::Setting(_) => false,
        }
    }

    /// The stable code of a refusal.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Fault::Refused(refused) => Some(&refused.code),
            _ => None,
        }
    }

    /// How long to wait at least before asking again.
    pub(super) fn wait(&self) -> Duration {
        match self {
            Fault::Refused(refused) => refused.retry_after.unwrap_or_default(),
            _ => Duration::ZERO,
        }
    }
}

#[cfg(feature = "grpc")]
impl From<tonic::Status> for Fault {
    fn from(status: tonic::Status) -> Fault {
        let text = |name| status.metadata().get(name).and_then(|value| value.to_str().ok());
        if let Some(code) = text("tercet-code") {
            let after = text("grpc-retry-pushback-ms").and_then(|text| text.parse().ok());
            return Fault::Refused(Box::new(Refused {
                code: code.to_owned(),
                detail: status.message().to_owned(),
                at: text("tercet-at").unwrap_or_default().to_owned(),
                status: None,
                retry_after: after.map(Duration::from_millis),
            }));
        }
        use tonic::Code;
        match status.code() {
            // What tonic says of connections that break, and proxies of what is behind them.
            Code::Unavailable | Code::Unknown | Code::Cancelled | Code::DeadlineExceeded | Code::Internal => {
                Fault::Unreachable(status.to_string())
            }
            _ => Fault::Misunderstood(status.to_string()),
        }
    }
}

#[cfg(feature = "grpc")]
impl From<crate::proto::Refusal> for Fault {
    fn from(refusal: crate::proto::Refusal) -> Fault {
        let after = Some(refusal.retry_after_ms).filter(|span| *span > 0);
        Fault::Refused(Box::new(Refused {
            code: refusal.code,
            detail: refusal.detail,
            at: refusal.at,
            status: None,
            retry_after: after.map(Duration::from_millis),
        }))
    }
}
