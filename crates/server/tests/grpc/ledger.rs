//! The unary verbs of the ledger: each once, and what they refuse.

use participant::proto::{self, Outcome};
use tonic::{Code, Status};

use crate::world::{World, world};

fn code(status: &Status) -> (Code, String) {
    let code = status.metadata().get("tercet-code").map(|code| code.to_str().unwrap().to_owned());
    (status.code(), code.unwrap_or_default())
}

fn cents(units: i64) -> Option<proto::entry::Amount> {
    Some(proto::entry::Amount::Units(units))
}

async fn gives(world: &World, id: &str, units: i64) {
    let entry = proto::Entry {
        id: id.into(),
        from: "issuer".into(),
        to: "a".into(),
        amount: cents(units),
        cause: Some(proto::Cause { operator: "ann".into(), ..proto::Cause::default() }),
        ..proto::Entry::default()
    };
    let request = proto::EntriesRequest { entries: vec![entry], dry_run: false };
    let reply = world.client.grpc().unwrap().ledger().entries(request).await.unwrap().into_inner();
    assert_eq!(reply.outcomes().collect::<Vec<_>>(), [Outcome::Posted], "{:?}", reply.refused);
}

#[tokio::test]
async fn a_hold_is_captured_and_released() {
    let world = world().await;
    let mut ledger = world.client.grpc().unwrap().ledger();
    gives(&world, "e-1", 1_000).await;
    let hold = proto::Hold {
        id: "h-1".into(),
        from: "a".into(),
        to: "b".into(),
        amount: Some(proto::hold::Amount::Decimal("6.00".into())),
        ..proto::Hold::default()
    };
    let request = proto::HoldsRequest { holds: vec![hold], dry_run: false };
    let reply = ledger.holds(request).await.unwrap().into_inner();
    assert_eq!(reply.outcomes().collect::<Vec<_>>(), [Outcome::Held]);
    let (id, hold) = ("c-1".to_owned(), "h-1".to_owned());
    let capture = proto::Capture {
        id,
        hold: hold.clone(),
        amount: Some(proto::capture::Amount::Units(250)),
        ..proto::Capture::default()
    };
    let reply = ledger.capture(capture.clone()).await.unwrap().into_inner();
    assert_eq!((reply.outcome(), &*reply.amount), (Outcome::Captured, "2.50"));
    assert!(reply.sequence > 0);
    assert_eq!(ledger.capture(capture).await.unwrap().into_inner().outcome(), Outcome::Duplicate);
    let more = proto::Capture {
        id: "c-2".into(),
        hold: hold.clone(),
        amount: Some(proto::capture::Amount::Units(351)),
        ..proto::Capture::default()
    };
    let status = ledger.capture(more).await.unwrap_err();
    assert_eq!(code(&status), (Code::FailedPrecondition, "capture_exceeds_hold".into()));
    let seen = ledger.get_hold(proto::GetHoldRequest { id: hold.clone() }).await.unwrap().into_inner();
    let seen = seen.hold.unwrap();
    assert_eq!((&*seen.captured, &*seen.left, seen.state()), ("2.50", "3.50", proto::HoldState::Held));
    let release = proto::Release { hold: hold.clone(), ..proto::Release::default() };
    assert_eq!(ledger.release(release).await.unwrap().into_inner().outcome(), Outcome::Released);
    let reopen = proto::Reopen { id: "r-1".into(), hold: hold.clone(), ..proto::Reopen::default() };
    let status = ledger.reopen(reopen).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition, "{status:?}");
    let status = ledger.release(proto::Release { hold: "h-9".into(), ..proto::Release::default() }).await;
    assert_eq!(code(&status.unwrap_err()), (Code::NotFound, "hold_unknown".into()));
    let steps =
        ledger.hold_history(proto::HistoryRequest { id: hold, limit: 0, cursor: String::new() }).await;
    let events: Vec<_> = steps.unwrap().into_inner().steps.into_iter().map(|step| step.event).collect();
    assert_eq!(events, ["held", "captured", "released"]);
    world.end().await;
}

#[tokio::test]
async fn accounts_are_read_adjusted_and_told() {
    let world = world().await;
    let mut ledger = world.client.grpc().unwrap().ledger();
    gives(&world, "e-1", 1_000).await;
    let reply = ledger.get_account(proto::GetAccountRequest { id: "a".into(), at: None }).await;
    let reply = reply.unwrap().into_inner();
    let account = reply.account.unwrap();
    assert_eq!(
        (&*account.posted, &*account.available, account.floor),
        ("10.00", "10.00", Some("0.00".into()))
    );
    assert!(reply.sequence > 0);
    let adjust = proto::Adjust {
        id: "x-1".into(),
        account: "a".into(),
        standing: proto::Standing::Frozen as i32,
        ..proto::Adjust::default()
    };
    assert_eq!(ledger.adjust(adjust).await.unwrap().into_inner().outcome(), Outcome::Changed);
    let list = proto::ListAccountsRequest { prefix: String::new(), after: "a".into(), limit: 1 };
    let list = ledger.list_accounts(list).await.unwrap().into_inner();
    assert_eq!(list.accounts.iter().map(|account| &*account.id).collect::<Vec<_>>(), ["b"]);
    let statement = proto::StatementRequest { account: "a".into(), ..proto::StatementRequest::default() };
    let page = ledger.statement(statement.clone()).await.unwrap().into_inner();
    let line = &page.lines[0];
    assert_eq!((&*line.event, &*line.amount, &*line.posted_after), ("posted", "10.00", "10.00"));
    assert_eq!(line.cause.as_ref().unwrap().operator, "ann");
    assert_eq!(page.asset.unwrap().code, "points");
    let status = ledger.statement(proto::StatementRequest { limit: 1_001, ..statement }).await.unwrap_err();
    assert_eq!(code(&status), (Code::InvalidArgument, "field_invalid".into()));
    let status = ledger.get_account(proto::GetAccountRequest { id: "z".into(), at: None }).await.unwrap_err();
    assert_eq!(code(&status), (Code::NotFound, "account_unknown".into()));
    let assets = ledger.list_assets(proto::ListAssetsRequest {}).await.unwrap().into_inner().assets;
    assert_eq!(assets, [proto::Asset { code: "points".into(), scale: 2 }]);
    world.end().await;
}

#[tokio::test]
async fn the_same_id_with_other_content_is_refused() {
    let world = world().await;
    let mut ledger = world.client.grpc().unwrap().ledger();
    let assets = |scale| proto::AssetsRequest {
        assets: vec![proto::Asset { code: "eur".into(), scale }],
        dry_run: false,
    };
    assert_eq!(
        ledger.assets(assets(2)).await.unwrap().into_inner().outcomes().next(),
        Some(Outcome::Declared)
    );
    assert_eq!(
        ledger.assets(assets(2)).await.unwrap().into_inner().outcomes().next(),
        Some(Outcome::Duplicate)
    );
    let refused = ledger.assets(assets(3)).await.unwrap().into_inner().refused;
    assert_eq!(&*refused[0].code, "asset_mismatch");
    let open = proto::Open { id: "a".into(), asset: "eur".into(), ..proto::Open::default() };
    let request = proto::AccountsRequest { accounts: vec![open], dry_run: false };
    let refused = ledger.accounts(request).await.unwrap().into_inner().refused;
    assert_eq!(&*refused[0].code, "id_mismatch");
    let status = ledger.entries(proto::EntriesRequest::default()).await.unwrap_err();
    assert_eq!(code(&status), (Code::InvalidArgument, "field_missing".into()));
    world.end().await;
}

#[tokio::test]
async fn a_coupon_is_used_once() {
    let world = world().await;
    let mut ledger = world.client.grpc().unwrap().ledger();
    let state =
        |name: &str| proto::MachineState { name: name.into(), r#final: name == "used", expires: None };
    let step = |name: &str, from: &str, to: &str| proto::MachineMove {
        name: name.into(),
        from: vec![from.into()],
        to: to.into(),
        ..proto::MachineMove::default()
    };
    let machine = proto::Machine {
        name: "coupon".into(),
        initial: "active".into(),
        states: ["active", "locked", "used"].map(state).into(),
        moves: vec![
            step("lock", "active", "locked"),
            step("unlock", "locked", "active"),
            step("use", "locked", "used"),
        ],
    };
    let declare = proto::Declare { machine: Some(machine.clone()), cause: None };
    let request = proto::MachinesRequest { machines: vec![declare], dry_run: false };
    let reply = ledger.machines(request).await.unwrap().into_inner();
    assert_eq!(reply.outcomes().next(), Some(Outcome::Declared), "{:?}", reply.refused);
    let seen =
        ledger.get_machine(proto::GetMachineRequest { name: "coupon".into(), version: 0 }).await.unwrap();
    assert_eq!((seen.get_ref().version, seen.get_ref().machine.as_ref()), (1, Some(&machine)));
    let create = proto::Create {
        id: "C-1".into(),
        machine: "coupon".into(),
        owner: "ann".into(),
        ..proto::Create::default()
    };
    let request = proto::ItemsRequest { items: vec![create], dry_run: false };
    assert_eq!(ledger.items(request).await.unwrap().into_inner().outcomes().next(), Some(Outcome::Created));
    let moved = |id: &str, name: &str| proto::Move {
        id: id.into(),
        item: "C-1".into(),
        name: name.into(),
        ..proto::Move::default()
    };
    let moves = vec![moved("m-1", "lock"), moved("m-2", "use"), moved("m-3", "use")];
    let reply = ledger.moves(proto::MovesRequest { moves, dry_run: false }).await.unwrap().into_inner();
    assert_eq!(reply.outcomes().collect::<Vec<_>>(), [Outcome::Moved, Outcome::Moved, Outcome::Refused]);
    assert_eq!(&*reply.refused[0].code, "move_undeclared");
    let item =
        ledger.get_item(proto::GetItemRequest { id: "C-1".into() }).await.unwrap().into_inner().item.unwrap();
    assert_eq!((&*item.state, item.r#final, &*item.owner, item.version), ("used", true, "ann", 2));
    let request = proto::HistoryRequest { id: "C-1".into(), limit: 0, cursor: String::new() };
    let steps = ledger.item_history(request).await.unwrap().into_inner().steps;
    let states: Vec<_> = steps.iter().map(|step| (&*step.event, &*step.state_after)).collect();
    assert_eq!(states, [("created", "active"), ("moved", "locked"), ("moved", "used")]);
    world.end().await;
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_before_it_is_read() {
    let world = world().await;
    let mut ledger = world.client.grpc().unwrap().ledger();
    let entry = proto::Entry { id: "x".repeat(9 * 1024 * 1024), ..proto::Entry::default() };
    let request = proto::EntriesRequest { entries: vec![entry], dry_run: false };
    let status = ledger.entries(request).await.unwrap_err();
    assert_eq!(code(&status), (Code::ResourceExhausted, "body_too_large".into()));
    world.end().await;
}
