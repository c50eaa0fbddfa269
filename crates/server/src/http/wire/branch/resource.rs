//! A `sql` or `redis` branch: kept as a call whose URLs stand for the resource and whose body is its parameters.

use std::sync::Arc;

use transaction::refusal::{FIELD_MISSING, KIND_UNSUPPORTED};
use transaction::{CallSpec, Kind, Mode, Pattern, Refusal, Urls};

use super::{BranchBody, Judge, TIMEOUT_MS};
use crate::resource::{ResourceKind, Resources};

impl BranchBody<'_> {
    pub(super) fn into_resource(
        self,
        kind: ResourceKind,
        (pattern, mode): (Pattern, Mode),
        judge: &Judge<'_>,
    ) -> Result<Kind, Refusal> {
        let Some(name) = self.resource.as_ref().map(|text| &text.0) else {
            return Err(FIELD_MISSING.at("/resource", "the branch needs the name of a declared resource"));
        };
        if mode == Mode::Interactive && pattern != Pattern::Message {
            let why = "the initiator would have to call the try, and only the server can: use mode managed";
            return Err(KIND_UNSUPPORTED.at("/kind", why));
        }
        let none = Resources::default();
        let resource = judge.resources.unwrap_or(&none).find(kind, name, pattern)?;
        let parameters = self.parameters.map_or("{}", |raw| raw.get());
        resource.fits(parameters)?;
        let url = kind.url(name);
        let urls = match pattern {
            Pattern::Tcc => {
                Urls { attempt: Some(Arc::clone(&url)), confirm: Some(Arc::clone(&url)), cancel: Some(url) }
            }
            Pattern::Saga => {
                let cancel = resource.compensates().then(|| Arc::clone(&url));
                Urls { attempt: Some(url), confirm: None, cancel }
            }
            Pattern::Message => Urls { confirm: Some(url), ..Urls::default() },
            Pattern::Xa | Pattern::Workflow => {
                let why = "a resource is changed by tcc, saga and message only";
                return Err(KIND_UNSUPPORTED.at("/kind", why));
            }
        };
        Ok(Kind::Call(CallSpec {
            urls,
            body: Some(Arc::from(parameters)),
            headers: Vec::new(),
            timeout_ms: self.timeout_ms.map_or(TIMEOUT_MS, |span| span.0),
            pass_result: false,
        }))
    }
}
