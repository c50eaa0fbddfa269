//! Every setting of `tercet serve`: its key, form, default, where it goes, and what it is for.
//!
//! Flags, keys of the file, variables, defaults and `docs/reference/settings.md` all come from this one table. A key
//! `limits.body_bytes` is the flag `--limits-body-bytes` and the variable `TERCET_LIMITS_BODY_BYTES`.
//! The order matters in one place: `participants` comes after the limits that it makes exceptions from.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::str::FromStr;

use server::OpenDoor;
use server::call::DtmVerdict;
use server::dtm::{RegisteredAgain, Unfinished};

use super::layer::{Origin, Said};
use super::shape::{Shape, Switch, Value};
use super::{LogFormat, Settings, exceptions, secret, tokens};

/// One setting.
pub(crate) struct Setting {
    /// Its name in the file, with its table: `limits.body_bytes`.
    pub(crate) key: &'static str,
    /// The form of its value.
    pub(crate) shape: Shape,
    /// Its default in words; empty: nothing.
    pub(crate) default: &'static str,
    /// Puts a value where it belongs, or says what is wrong with it.
    pub(crate) put: fn(&mut Settings, &Value) -> Result<(), String>,
    /// One sentence for help and reference.
    pub(crate) what: &'static str,
}

impl Setting {
    /// `limits-body-bytes`.
    pub(crate) fn flag(&self) -> String {
        self.key.replace(['.', '_'], "-")
    }

    /// `TERCET_LIMITS_BODY_BYTES`.
    pub(crate) fn variable(&self) -> String {
        format!("TERCET_{}", self.key.replace('.', "_").to_ascii_uppercase())
    }

    /// What holds when nothing is said. A setting without a default puts nothing.
    pub(crate) fn default(&self) -> Vec<Said> {
        if self.default.is_empty() {
            return Vec::new();
        }
        let value = self.shape.of_words(self.default).expect("the tests read every default");
        vec![Said { value, origin: Origin::Default(self.key) }]
    }
}

/// A token in the list of processes is no secret, so this one has no flag.
pub(crate) const WITHOUT_FLAG: &str = "tokens";

macro_rules! settings {
    ($($key:literal $shape:expr, $default:literal, $what:literal, $put:expr;)*) => {
        /// Every setting, in the order of the reference.
        pub(crate) static SETTINGS: &[Setting] = &[
            $(Setting { key: $key, shape: $shape, default: $default, what: $what, put: $put }),*
        ];
    };
}

const ANY: std::ops::RangeInclusive<u64> = 0..=1_000_000_000;
const SOME: std::ops::RangeInclusive<u64> = 1..=1_000_000_000;
const TIME: std::ops::RangeInclusive<u64> = 100..=3_600_000;
const KIB: u64 = 1024;
const MIB: u64 = 1024 * 1024;

settings! {
    "data" Shape::Text("DIR"), "./tercet-data",
        "The data folder: journal, archive, lock. Made when missing; only one process may use it.",
        |to, value| put(&mut to.data, PathBuf::from(value.text()));
    "http" Shape::Text("HOST:PORT"), "127.0.0.1:36789",
        "Where HTTP listens; port 0 picks a free one.",
        |to, value| put(&mut to.server.http, address(value.text())?);
    "grpc" Shape::Text("HOST:PORT"), "127.0.0.1:36790",
        "Where gRPC listens; port 0 picks a free one.",
        |to, value| put(&mut to.server.grpc, address(value.text())?);
    "log_format" Shape::Choice(&["text", "json"]), "text",
        "How log lines on standard error look.",
        |to, value| put(&mut to.log_format, if value.text() == "json" { LogFormat::Json } else { LogFormat::Text });
    "log_level" Shape::Choice(&["error", "warn", "info", "debug", "trace"]), "info",
        "The least important lines to log; debug logs every request and every branch call.",
        |to, value| put(&mut to.log_level, value.text().to_owned());

    "machines" Shape::List("FILE"), "",
        "Files of machines (TOML or JSON) to declare at the start, before anything is served. The same content again changes nothing, other content is the next version. `--machine FILE`, given once or several times, says the same.",
        |to, value| put(&mut to.machines, value.list().iter().map(PathBuf::from).collect());

    "resources_file" Shape::Text("FILE"), "",
        "A file (TOML or JSON) of the data sources and resources that `sql` and `redis` branches name. It may hold passwords: let only its owner read it.",
        |to, value| put(&mut to.resources, Some(PathBuf::from(value.text())));

    "tokens" Shape::Table("NAME=TOKEN"), "",
        "Bearer tokens that callers must show, by name. No flag: a token in the list of processes is no secret.",
        |to, value| tokens::add(&mut to.server.tokens, value.list());
    "tokens_file" Shape::Text("FILE"), "",
        "A file with a line NAME=TOKEN for each further token; empty lines and lines that begin with # are skipped.",
        |to, value| tokens::add_file(&mut to.server.tokens, value.text());
    "insecure" Shape::Switch, "false",
        "Start without tokens though others can reach the listener, because something else guards it.",
        |to, value| put(&mut to.server.open_door, match value.switch() { Switch::On => OpenDoor::Insecure, Switch::Off => OpenDoor::Refuse });

    "allow_hosts" Shape::List("HOST"), "",
        "Host names that branch calls may go to, exact or *.suffix, also at private addresses. With this or allow_cidrs set, no other public address is allowed.",
        |to, value| put(&mut to.call.policy.allow_hosts, parsed(value.list())?);
    "allow_ports" Shape::List("PORT"), "",
        "Ports that branch calls may go to. Empty: any.",
        |to, value| put(&mut to.call.policy.allow_ports, ports(value.list())?);
    "allow_cidrs" Shape::List("CIDR"), "",
        "Networks that branch calls may go to, such as 10.1.0.0/16. Private ones need it, or a host by name.",
        |to, value| put(&mut to.call.policy.allow_cidrs, parsed(value.list())?);
    "deny_cidrs" Shape::List("CIDR"), "",
        "Networks that branch calls may never go to; goes before all that allows.",
        |to, value| put(&mut to.call.policy.deny_cidrs, parsed(value.list())?);
    "ca_file" Shape::Text("FILE"), "",
        "Certificates (PEM) to trust for https participants, instead of the machine's.",
        |to, value| put(&mut to.call.ca_file, Some(PathBuf::from(value.text())));

    "call_secret_file" Shape::Text("FILE"), "",
        "A file with the secret that signs branch calls, at least 16 bytes in a line; a second line is the one before it, for participants that read the same file. Not set: calls are not signed.",
        |to, value| secret::read_file(&mut to.call.signature, value.text());

    "limits.body_bytes" Shape::Count(KIB..=8 * MIB), "1048576",
        "Bytes of a request's body.",
        |to, value| put(&mut to.server.limits.body_bytes, size(value));
    "limits.batch_bytes" Shape::Count(KIB..=8 * MIB), "4194304",
        "Bytes of a request's body that is a batch of the ledger.",
        |to, value| put(&mut to.server.limits.batch_bytes, size(value));
    "limits.bodies_bytes" Shape::Count(8 * MIB..=1024 * 1024 * MIB), "268435456",
        "Bytes of all bodies together that are being read or worked on; beyond it 503 overloaded.",
        |to, value| put(&mut to.server.limits.bodies_bytes, size(value));
    "limits.json_depth" Shape::Count(4..=100), "32",
        "How deep JSON may be nested.",
        |to, value| put(&mut to.server.limits.json_depth, size(value));
    "limits.branches" Shape::Count(1..=10_000), "100",
        "Branches of a transaction.",
        |to, value| put(&mut to.engine.limits.branches, size(value));
    "limits.labels" Shape::Count(0..=1_000), "16",
        "Labels of a transaction.",
        |to, value| put(&mut to.engine.limits.labels, size(value));
    "limits.result_bytes" Shape::Count(0..=4 * MIB), "65536",
        "Bytes of what a try or action answers, or a signal brings.",
        |to, value| put(&mut to.engine.limits.result_bytes, size(value));
    "limits.queue" Shape::Count(SOME), "10000",
        "Requests that may wait to be decided; beyond it 503 overloaded.",
        |to, value| put(&mut to.engine.queue, size(value));
    "limits.open_max" Shape::Count(SOME), "5000000",
        "Open transactions; beyond it new ones are refused, 503 overloaded.",
        |to, value| put(&mut to.engine.open_max, size(value));
    "limits.open_bytes" Shape::Count(MIB..=1024 * 1024 * MIB), "4294967296",
        "Bytes that open transactions may hold in memory; beyond it new ones and new branches are refused, 503 overloaded.",
        |to, value| put(&mut to.engine.open_bytes, size(value));
    "limits.waiters_max" Shape::Count(ANY), "5000",
        "Requests held open by wait_ms; beyond it they are answered at once.",
        |to, value| put(&mut to.engine.waiters_max, size(value));
    "limits.calls_max" Shape::Count(SOME), "2048",
        "Branch calls under way, to all participants together.",
        |to, value| put(&mut to.engine.calls_max, size(value));
    "limits.connections" Shape::Count(SOME), "10000",
        "Connections to the HTTP listener.",
        |to, value| put(&mut to.server.limits.connections, size(value));
    "limits.requests_in_flight" Shape::Count(SOME), "10000",
        "Requests being worked on; beyond it 503 overloaded.",
        |to, value| put(&mut to.server.limits.requests_in_flight, size(value));
    "limits.caller_rate" Shape::Count(ANY), "0",
        "Requests a second of one caller (its token, or else its address); beyond it 429. 0: no limit.",
        |to, value| put(&mut to.server.limits.caller_rate, number(value));
    "limits.caller_burst" Shape::Count(SOME), "100",
        "Requests that a caller who was quiet may send at once, when caller_rate is set.",
        |to, value| put(&mut to.server.limits.caller_burst, number(value));

    "limits.header_timeout_ms" Shape::Count(TIME), "10000",
        "Milliseconds for the head of a request, from its first byte.",
        |to, value| put(&mut to.server.limits.header_timeout_ms, value.count());
    "limits.body_timeout_ms" Shape::Count(TIME), "30000",
        "Milliseconds for the body of a request; also how long a caller may take none of an answer.",
        |to, value| put(&mut to.server.limits.body_timeout_ms, value.count());
    "limits.idle_timeout_ms" Shape::Count(TIME), "75000",
        "Milliseconds that a connection may stay open without a request.",
        |to, value| put(&mut to.server.limits.idle_timeout_ms, value.count());

    "participant.concurrency" Shape::Count(SOME), "128",
        "Calls under way to one participant (host and port).",
        |to, value| put(&mut to.engine.participant.concurrency, size(value));
    "participant.queue" Shape::Count(SOME), "20000",
        "Calls that wait for a place at one participant; what comes beyond is put off, not lost.",
        |to, value| put(&mut to.engine.participant.queue, size(value));
    "participant.rate" Shape::Count(ANY), "0",
        "Calls a second to one participant. 0: no limit.",
        |to, value| put(&mut to.engine.participant.rate, number(value));
    "participant.retry_percent" Shape::Count(0..=10_000), "20",
        "Repeated calls to one participant may be at most this share of first calls, in percent, plus ten a second.",
        |to, value| put(&mut to.engine.participant.retry_percent, number(value));
    "participant.breaker_failures" Shape::Count(SOME), "20",
        "Failed calls in a row after which a participant is only probed.",
        |to, value| put(&mut to.engine.participant.breaker_failures, number(value));
    "participant.breaker_ms" Shape::Count(1..=30_000), "1000",
        "How long before the first probe, in milliseconds; doubles up to 5 s while probes fail.",
        |to, value| put(&mut to.engine.participant.breaker_ms, value.count());
    "participant.connect_timeout_ms" Shape::Count(1..=3_600_000), "3000",
        "Milliseconds for making a connection to a participant; the call's own time-out bounds it too.",
        |to, value| put(&mut to.call.connect_timeout_ms, value.count());
    "participant.idle_connections" Shape::Count(ANY), "128",
        "Connections to one participant that are kept open without work.",
        |to, value| put(&mut to.call.idle_per_participant, size(value));
    "participant.idle_ms" Shape::Count(1..=3_600_000), "30000",
        "Milliseconds that a connection to a participant is kept open without work.",
        |to, value| put(&mut to.call.idle_ms, value.count());
    "participants" Shape::Table("HOST:PORT KEY=NUMBER"), "",
        "Exceptions for single participants: the keys of `participant`, by host and port.",
        |to, value| exceptions::add(&mut to.engine, value.list());

    "dtm.timeout_to_fail_ms" Shape::Count(1_000..=3_600_000), "35000",
        "Milliseconds after which a TCC or XA of a DTM client is rolled back, or its prepared message checked back, unless the client says otherwise.",
        |to, value| put(&mut to.server.dtm.timeout_to_fail_ms, value.count());
    "dtm.retry_interval_ms" Shape::Count(TIME), "10000",
        "Milliseconds until a failed call of a DTM client's transaction is repeated for the first time, unless the client says otherwise.",
        |to, value| put(&mut to.server.dtm.retry_interval_ms, value.count());
    "dtm.request_timeout_ms" Shape::Count(TIME), "3000",
        "Bound on one call of a DTM client's transaction, unless the client says otherwise.",
        |to, value| put(&mut to.server.dtm.request_timeout_ms, value.count());
    "dtm.body_words" Shape::Switch, "false",
        "Take the words FAILURE and ONGOING anywhere in a DTM participant's answer for its verdict, as DTM does, instead of the status and `dtm_result`.",
        |to, value| put(&mut to.call.dtm, match value.switch() { Switch::On => DtmVerdict::Words, Switch::Off => DtmVerdict::Parsed });
    "dtm.unfinished_is_failure" Shape::Switch, "false",
        "Answer `wait_result` with 409 FAILURE while the outcome is open, as DTM does, instead of 425 ONGOING.",
        |to, value| put(&mut to.server.dtm.unfinished, match value.switch() { Switch::On => Unfinished::Failure, Switch::Off => Unfinished::Ongoing });
    "dtm.registered_again_is_conflict" Shape::Switch, "false",
        "Answer a DTM client that registers the same branch again with an error, as DTM does, instead of a success.",
        |to, value| put(&mut to.server.dtm.registered_again, match value.switch() { Switch::On => RegisteredAgain::Conflict, Switch::Off => RegisteredAgain::Success });
    "dtm.allow_cidrs" Shape::List("CIDR"), "",
        "Networks from which DTM's protocol is taken without a token, since most of its clients have no setting for one. The native API still asks for it.",
        |to, value| put(&mut to.server.dtm_allow, parsed(value.list())?);

    "journal.segment_bytes" Shape::Count(32 * MIB..=1024 * MIB), "67108864",
        "Bytes of a journal file, a multiple of 4,096; made ahead, filled with zeros.",
        |to, value| put(&mut to.journal.segment_bytes, value.count());
    "journal.retain_bytes" Shape::Count(0..=u64::MAX), "",
        "Bytes of journal files to keep once the archive holds what they hold. Not set: all.",
        |to, value| put(&mut to.journal.retain_bytes, Some(value.count()));
    "journal.frames_in_flight" Shape::Count(1..=64), "1",
        "Frames decided but not yet durable.",
        |to, value| put(&mut to.engine.frames_in_flight, size(value));
    "retention_days" Shape::Count(0..=36_500), "30",
        "How long finished transactions and idempotency keys are kept, in days. 0: for ever.",
        |to, value| put(&mut to.engine.retention_ms, (value.count() > 0).then_some(value.count() * 24 * 60 * 60 * 1000));
}

/// Every range above fits its field, so this cannot fail; it is a `Result` for the table's sake.
#[expect(clippy::unnecessary_wraps, reason = "the table's functions can fail, most of them do not")]
fn put<T>(field: &mut T, value: T) -> Result<(), String> {
    *field = value;
    Ok(())
}

fn size(value: &Value) -> usize {
    usize::try_from(value.count()).unwrap_or(usize::MAX)
}

fn number(value: &Value) -> u32 {
    u32::try_from(value.count()).unwrap_or(u32::MAX)
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let mut found = text
        .to_socket_addrs()
        .map_err(|error| format!("{text:?} is no address to listen on, such as 127.0.0.1:36789 ({error})"))?;
    found.next().ok_or_else(|| format!("{text:?} has no address"))
}

fn parsed<T: FromStr<Err = String>>(texts: &[String]) -> Result<Vec<T>, String> {
    texts.iter().map(|text| text.parse()).collect()
}

fn ports(texts: &[String]) -> Result<Vec<u16>, String> {
    let port = |text: &String| {
        text.parse()
            .ok()
            .filter(|port| *port > 0)
            .ok_or_else(|| format!("{text:?} is no port from 1 to 65535"))
    };
    texts.iter().map(port).collect()
}
