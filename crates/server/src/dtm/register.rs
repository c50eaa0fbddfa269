//! Registering a branch: of a TCC (confirm and cancel), of an XA (one address for both), a workflow's progress.

use std::sync::Arc;

use serde_json::{Map, Value};
use transaction::refusal::{ALREADY_DECIDED, BRANCH_MISMATCH, NOT_INTERACTIVE, TRANSACTION_UNKNOWN};
use transaction::{Command, Pattern, Progress, Protocol, Signal};

use super::RegisteredAgain;
use super::asked::{pattern, stripped, text};
use super::spec::Making;
use super::told::{Outcome, Told, status};
use super::verbs::{Verbs, is};

/// A branch as a client registers it.
#[derive(Clone, Debug, Default)]
pub(super) struct Registration {
    pub(super) gid: Arc<str>,
    pub(super) trans_type: String,
    pub(super) protocol: Protocol,
    pub(super) branch_id: String,
    /// Addresses, or the outcome of a workflow's step, by name.
    pub(super) data: Vec<(String, String)>,
    pub(super) payload: Arc<[u8]>,
}

impl Registration {
    /// Reads the flat object of texts that HTTP brings.
    pub(super) fn read(fields: &Map<String, Value>) -> Result<Registration, Told> {
        let named = ["confirm", "cancel", "url", "op", "status"];
        let mut data = Vec::with_capacity(named.len());
        for name in named {
            data.push((name.to_owned(), text(fields, name)?));
        }
        Ok(Registration {
            gid: stripped(&text(fields, "gid")?),
            trans_type: text(fields, "trans_type")?,
            protocol: Protocol::DtmHttp,
            branch_id: text(fields, "branch_id")?,
            data,
            payload: text(fields, "data")?.as_bytes().into(),
        })
    }

    fn value(&self, name: &str) -> &str {
        self.data.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

impl Verbs {
    /// Registers a branch, or keeps a step of a workflow. The same again changes nothing.
    pub(super) async fn register(&self, asked: &Registration) -> Outcome {
        if asked.gid.is_empty() || asked.branch_id.is_empty() {
            return Err(Told::Fault("registerBranch needs gid and branch_id".to_owned()));
        }
        let making = Making { config: self.config(), judge: self.admitted.judge(), topics: &[] };
        let command = match pattern(&asked.trans_type)? {
            Pattern::Tcc => {
                let urls = [asked.value("confirm"), asked.value("cancel")];
                let body = Arc::clone(&asked.payload);
                Command::Register(making.registered(asked.protocol, &asked.branch_id, (urls, body))?)
            }
            Pattern::Xa => {
                let urls = [asked.value("url"); 2];
                Command::Register(making.registered(
                    asked.protocol,
                    &asked.branch_id,
                    (urls, Arc::from([])),
                )?)
            }
            Pattern::Workflow => Command::Progress(Arc::new(progress(asked)?)),
            Pattern::Saga | Pattern::Message => {
                let words = format!("a {} names all its branches when it is submitted", asked.trans_type);
                return Err(Told::Fault(words));
            }
        };
        let gone = || Told::Failure(format!("no trans with gid: {} status: prepared found", asked.gid));
        match self.act(&asked.gid, (command, 0)).await {
            // The same again is no change, and no leave either to go on once it is decided.
            Ok(answer) if status(&answer.transaction) != "prepared" => Err(gone()),
            Ok(answer) if answer.replayed && self.config().registered_again == RegisteredAgain::Conflict => {
                Err(Told::Fault("storage: UniqueKeyConflict".to_owned()))
            }
            Ok(_) => Ok(()),
            Err(refusal) if is(&refusal, &[&TRANSACTION_UNKNOWN, &ALREADY_DECIDED, &NOT_INTERACTIVE]) => {
                Err(gone())
            }
            Err(refusal) if is(&refusal, &[&BRANCH_MISMATCH]) => Err(Told::Failure(refusal.detail)),
            Err(refusal) => Err(refusal.into()),
        }
    }
}

fn progress(asked: &Registration) -> Result<Progress, Told> {
    let outcome = match asked.value("status") {
        "succeed" => Signal::Done,
        "failed" => Signal::Refused,
        other => {
            let shown: String = other.chars().take(64).collect();
            return Err(Told::Fault(format!(
                "the status of a step is '{shown}': it must be succeed or failed"
            )));
        }
    };
    Ok(Progress {
        step: (*asked.branch_id).into(),
        operation: asked.value("op").into(),
        outcome,
        data: Arc::clone(&asked.payload),
    })
}
