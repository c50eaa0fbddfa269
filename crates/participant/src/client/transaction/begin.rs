//! A transaction as it is asked for. Checks nothing but what types can: the coordinator judges.

use std::marker::PhantomData;
use std::time::Duration;

use super::branch::{Asked, Branch, Unbound};
use crate::proto;

mod sealed {
    /// Keeps [`super::Pattern`] to the patterns there are.
    pub trait Sealed {}
}

/// What kind of global transaction it is.
pub trait Pattern: sealed::Sealed + Clone {
    /// The pattern of its branches.
    type Branches;
    /// Its name on the wire.
    #[doc(hidden)]
    const NAME: proto::Pattern;
}

/// What the coordinator can run by itself once it is begun.
pub trait Managed: Pattern {}

/// What has tries that an initiator can run itself.
pub trait Led: Managed {}

/// Try every branch, then confirm all or cancel all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tcc;
/// Act branch by branch; on a refusal compensate what was started, in reverse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saga;
/// Deliver to every branch, once submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message;
/// A message that says where the initiator can be asked whether to deliver it: it can be prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked;

macro_rules! patterns {
    ($($pattern:ident $branches:ident $name:ident;)*) => {
        $(impl sealed::Sealed for $pattern {}
        impl Pattern for $pattern {
            type Branches = $branches;
            const NAME: proto::Pattern = proto::Pattern::$name;
        })*
    };
}

patterns! {
    Tcc Tcc Tcc;
    Saga Saga Saga;
    Message Message Message;
    Checked Message Message;
}

impl Managed for Tcc {}
impl Managed for Saga {}
impl Managed for Message {}
impl Led for Tcc {}
impl Led for Saga {}

/// How long the coordinator goes on before it calls a person; it goes on all the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Patience {
    /// The first delay between two attempts; `None`: the coordinator's default.
    pub initial: Option<Duration>,
    /// The longest delay.
    pub most: Option<Duration>,
    /// After so many failed attempts of one operation the transaction needs attention.
    pub attention_after: Option<u32>,
}

/// A transaction to begin. Cloning it, or building it again with the same id and content, asks for the same one.
#[derive(Clone, Debug, PartialEq)]
pub struct Transaction<P> {
    pub(super) request: proto::BeginRequest,
    pub(super) branches: Vec<Asked>,
    pattern: PhantomData<P>,
}

impl Transaction<Unbound> {
    /// Try every branch, then confirm all or cancel all.
    #[must_use]
    pub fn tcc(id: impl Into<String>) -> Transaction<Tcc> {
        Transaction::new(id.into())
    }

    /// Act branch by branch; on a refusal compensate what was started, in reverse.
    #[must_use]
    pub fn saga(id: impl Into<String>) -> Transaction<Saga> {
        Transaction::new(id.into())
    }

    /// Deliver to every branch.
    #[must_use]
    pub fn message(id: impl Into<String>) -> Transaction<Message> {
        Transaction::new(id.into())
    }
}

impl<P: Pattern> Transaction<P> {
    fn new(id: String) -> Transaction<P> {
        let request = proto::BeginRequest { id, pattern: P::NAME as i32, ..proto::BeginRequest::default() };
        Transaction { request, branches: Vec::new(), pattern: PhantomData }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.request.id
    }

    /// Bounds everything before the decision: 30 s unless given, a message has no deadline unless given.
    #[must_use]
    pub fn deadline(mut self, within: Duration) -> Transaction<P> {
        self.request.deadline_ms = Some(millis(within));
        self
    }

    /// Branches follow one another in the order in which they are added, as a saga's do anyway.
    #[must_use]
    pub fn sequential(mut self) -> Transaction<P> {
        self.request.order = proto::Order::Sequential as i32;
        self
    }

    /// All branches at once, but for what `after` holds back, as in a tcc and a message anyway.
    #[must_use]
    pub fn parallel(mut self) -> Transaction<P> {
        self.request.order = proto::Order::Parallel as i32;
        self
    }

    /// How branch calls are repeated.
    #[must_use]
    pub fn patience(mut self, patience: Patience) -> Transaction<P> {
        self.request.retry = Some(proto::RetryPolicy {
            initial_ms: patience.initial.map(millis),
            max_ms: patience.most.map(millis),
            attention_after: patience.attention_after,
        });
        self
    }

    /// A label to find it by.
    #[must_use]
    pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> Transaction<P> {
        self.request.labels.push(proto::Label { key: key.into(), value: value.into() });
        self
    }

    /// Adds a branch.
    #[must_use]
    pub fn branch(mut self, branch: impl Into<Branch<P::Branches>>) -> Transaction<P> {
        self.branches.push(branch.into().into_asked());
        self
    }

    pub(super) fn as_interactive(&self) -> Transaction<P> {
        let mut interactive = self.clone();
        interactive.request.mode = proto::Mode::Interactive as i32;
        interactive
    }
}

impl Transaction<Tcc> {
    /// A window between "all tried" and confirming in which a cancel still withdraws.
    #[must_use]
    pub fn cooling_off(mut self, window: Duration) -> Transaction<Tcc> {
        self.request.cooling_off_ms = millis(window);
        self
    }
}

impl Transaction<Message> {
    /// Where the initiator answers whether a prepared message is to be delivered (operation `check`), should neither
    /// submit nor abort come.
    #[must_use]
    pub fn check(mut self, url: impl Into<String>) -> Transaction<Checked> {
        self.request.check = url.into();
        Transaction { request: self.request, branches: self.branches, pattern: PhantomData }
    }
}

impl Transaction<Checked> {
    /// When it is checked back; 10 s unless given.
    #[must_use]
    pub fn check_after(mut self, after: Duration) -> Transaction<Checked> {
        self.request.check_after_ms = Some(millis(after));
        self
    }
}

/// A span as the wire has it.
pub(super) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
