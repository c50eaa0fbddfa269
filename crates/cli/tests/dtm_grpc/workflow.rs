//! Workflows over gRPC: progress is kept byte for byte, the client says the end, and whoever is silent is called back.

use server::dtm::proto::{DtmBranchRequest, DtmProgressesReply, DtmRequest};
use tonic::{Code, Status};

use crate::service::{ongoing, says};
use crate::world::{World, of, refused, registered, texts};

/// What the workflow was called with; `input` in Base64 is `aW4AcHV0`.
const INPUT: &[u8] = b"in\0put";

impl World {
    fn workflow(&self, id: &str) -> DtmRequest {
        DtmRequest {
            customed_data: r#"{"name":"book a trip","data":"aW4AcHV0"}"#.into(),
            query_prepared: self.service.at("/workflow.Workflow/Execute"),
            ..of(id, "workflow")
        }
    }

    fn open(&self, id: &str) -> Result<DtmProgressesReply, Status> {
        let request = self.workflow(id);
        self.ask(async |mut dtm| dtm.prepare_workflow(request).await)
    }
}

fn step((id, branch): (&str, &str), (op, status): (&str, &str), data: &[u8]) -> DtmBranchRequest {
    let named = [("op", op.to_owned()), ("status", status.to_owned())];
    DtmBranchRequest { busi_payload: data.to_vec(), ..registered((id, "workflow"), branch, named) }
}

fn ended(id: &str, status: &str, more: (&str, &str)) -> DtmRequest {
    DtmRequest { req_extra: texts([("status", status), more]), ..of(id, "workflow") }
}

#[test]
fn progress_is_kept_byte_for_byte_in_the_order_in_which_it_came() {
    let world = World::start();
    let fresh = world.open("w").unwrap();
    let transaction = fresh.transaction.unwrap();
    assert_eq!((transaction.gid.as_str(), transaction.status.as_str()), ("w", "prepared"));
    assert!(fresh.progresses.is_empty());
    world.register(step(("w", "01"), ("action", "succeed"), &[0xff, 0])).unwrap();
    world.register(step(("w", "02"), ("action", "failed"), b"sold out")).unwrap();
    world.register(step(("w", "01"), ("action", "succeed"), &[0xff, 0])).unwrap();
    let known = world.open("w").unwrap().progresses;
    let told: Vec<_> = known
        .iter()
        .map(|step| {
            (step.branch_id.as_str(), step.op.as_str(), step.status.as_str(), step.bin_data.as_slice())
        })
        .collect();
    assert_eq!(told, [("01", "action", "succeed", &[0xff, 0][..]), ("02", "action", "failed", b"sold out")]);
}

#[test]
fn the_end_is_what_the_client_says_and_is_told_again() {
    let world = World::start();
    world.open("w").unwrap();
    world.submit(ended("w", "succeed", ("result", "b3V0"))).unwrap();
    let transaction = world.open("w").unwrap().transaction.unwrap();
    assert_eq!((transaction.status.as_str(), transaction.result.as_str()), ("succeed", "b3V0"));
    let words = refused(world.submit(ended("w", "succeed", ("result", "b3V0"))), Code::Aborted);
    assert_eq!(words, "current status 'succeed', cannot sumbmit");
    refused(world.register(step(("w", "03"), ("action", "succeed"), b"")), Code::Aborted);

    world.open("f").unwrap();
    world.submit(ended("f", "failed", ("rollback_reason", "sold out"))).unwrap();
    let transaction = world.open("f").unwrap().transaction.unwrap();
    assert_eq!((transaction.status.as_str(), transaction.rollback_reason.as_str()), ("failed", "sold out"));
    assert_eq!(world.tercet.query("f")["transaction"]["rollback_reason"], "sold out");
}

#[test]
fn a_silent_client_is_called_back_with_what_the_workflow_was_called_with() {
    let world = World::start();
    world.service.answers("Execute", [says(14, ""), ongoing(), says(0, "")]);
    world.open("w").unwrap();
    let calls = world.service.wait("Execute", 3);
    // The message WorkflowData: field 1, so many bytes.
    let message = [&[0x0a, 6], INPUT].concat();
    for call in &calls {
        assert_eq!((call.path.as_str(), &call.payload), ("/workflow.Workflow/Execute", &message));
        for (name, value) in [
            ("dtm-gid", "w"),
            ("dtm-trans_type", "workflow"),
            ("dtm-branch_id", "00"),
            ("dtm-op", "book a trip"),
            ("content-type", "application/grpc+dtm_raw"),
        ] {
            assert_eq!(call.says(name), value, "{name}");
        }
    }
    assert_eq!(
        world.tercet.status("w"),
        "prepared",
        "a callback that went well does not end it: the client does"
    );
    world.submit(ended("w", "succeed", ("result", ""))).unwrap();
    world.tercet.wait("w", "succeed");
}

#[test]
fn an_end_that_is_none_and_a_workflow_that_nobody_opened_are_refused() {
    let world = World::start();
    world.open("w").unwrap();
    refused(world.submit(ended("w", "perhaps", ("", ""))), Code::Unknown);
    refused(world.submit(of("w", "workflow")), Code::Unknown);
    refused(world.submit(ended("nobody", "succeed", ("", ""))), Code::Unknown);
    refused(world.register(step(("w", "01"), ("action", "perhaps"), b"")), Code::Unknown);
    assert_eq!(world.tercet.status("w"), "prepared");
}
