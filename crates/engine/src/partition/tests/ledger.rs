//! The ledger inside the partition: frames, branches, keys, expiry.

mod frames;
mod starts;

use ::ledger::{
    Amount, Asset, Batch, Capture, Cause, Command as Member, Entry, Expiry, Floor, Hold, Linked, Open,
    Origin, Results, Run, Take,
};
use transaction::{HoldLeg, HoldSpec, Quantity};

use super::*;
use crate::Change;

/// What was answered so far.
type Heard<T> = Arc<Mutex<Vec<Result<T, Refusal>>>>;

type Said = Heard<Changed>;

fn listen<T: Send + 'static>() -> (Heard<T>, Respond<T>) {
    let said = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&said);
    (said, Box::new(move |answer| heard.lock().unwrap().push(answer)))
}

/// A batch in the making.
#[derive(Default)]
struct Books(Batch);

impl Books {
    fn asset(mut self, code: &str) -> Books {
        self.0.push(&Member::Asset(Asset { code, scale: 0 }));
        self
    }

    fn account(mut self, id: &str, floor: Floor<Amount<&str>>) -> Books {
        self.0.push(&Member::Open(Open {
            id,
            asset: "points",
            floor,
            ceiling: None,
            lots: None,
            linked: Linked::No,
            cause: Cause::default(),
        }));
        self
    }

    fn entry(mut self, id: &str, (from, to): (&str, &str), amount: i128) -> Books {
        self.0.push(&Member::Entry(Entry {
            id,
            from,
            to,
            amount: Amount::Units(amount),
            take: Take::Exactly,
            expiry: Expiry::Never,
            refunds: None,
            linked: Linked::No,
            cause: Cause::default(),
        }));
        self
    }

    fn hold(mut self, id: &str, amount: i128, expiry: Expiry) -> Books {
        self.0.push(&Member::Hold(Hold {
            id,
            from: "ann",
            to: "shop",
            amount: Amount::Units(amount),
            take: Take::Exactly,
            expiry,
            linked: Linked::No,
            origin: Origin::Direct,
            cause: Cause::default(),
        }));
        self
    }

    fn capture(mut self, id: &str, hold: &str) -> Books {
        let (linked, origin, cause) = (Linked::No, Origin::Direct, Cause::default());
        self.0.push(&Member::Capture(Capture { id, hold, amount: None, linked, origin, cause }));
        self
    }
}

impl Rig {
    fn change(&mut self, books: Books, run: Run, key: Option<Key>) -> Said {
        let (said, respond) = listen();
        let change = Change { batch: books.0, run, key };
        self.take(Input::Change(Box::new(Asked { change, recalled: None }), respond));
        said
    }

    /// Carries out a batch and makes it durable.
    fn changed(&mut self, books: Books) -> Changed {
        let said = self.change(books, Run::Real, None);
        self.settle();
        let mut said = said.lock().unwrap();
        said.remove(0).unwrap()
    }

    fn balances(&self, id: &str) -> (i128, i128) {
        let account = self.partition.vault.ledger.account(id).unwrap();
        (account.posted, account.held)
    }
}

fn world() -> Rig {
    let mut rig = Rig::new(Config::default());
    let zero = || Floor::At(Amount::Units(0));
    let books = Books::default().asset("points").account("issuer", Floor::None).account("shop", Floor::None);
    let results = rig.changed(books.account("ann", zero()).entry("grant", ("issuer", "ann"), 100)).results;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    rig
}

fn words(results: &Results) -> Vec<&'static str> {
    results
        .iter()
        .map(|result| result.as_ref().map_or_else(|no| no.kind.code, |yes| yes.done.name()))
        .collect()
}

fn order(id: &str, branches: &[(&str, &str)]) -> Begin {
    let branches = branches.iter().map(|(branch, amount)| {
        let leg = HoldLeg {
            from: Arc::from("ann"),
            to: Arc::from("shop"),
            amount: Quantity::Decimal(Arc::from(*amount)),
            up_to: false,
        };
        let kind = Kind::Hold(HoldSpec { legs: vec![leg] });
        Arc::new(BranchSpec { id: Arc::from(*branch), after: Vec::new(), kind })
    });
    let mut begin = asked(id, vec![call("later")]);
    let spec = Arc::make_mut(&mut begin.spec);
    spec.branches = branches.collect();
    begin
}

#[test]
fn nothing_is_told_before_it_is_kept_and_a_repeat_posts_nothing() {
    let mut rig = world();
    let books = || Books::default().entry("e-1", ("ann", "shop"), 30);
    let said = rig.change(books(), Run::Real, None);
    assert!(said.lock().unwrap().is_empty(), "told before it is durable");
    rig.settle();
    assert_eq!(words(&said.lock().unwrap()[0].as_ref().unwrap().results), ["posted"]);
    let frames = rig.frames;
    assert_eq!(words(&rig.changed(books()).results), ["duplicate"]);
    assert_eq!(
        words(&rig.changed(Books::default().entry("e-1", ("ann", "shop"), 31)).results),
        ["id_mismatch"]
    );
    assert_eq!((rig.balances("ann"), rig.frames), ((70, 0), frames), "nothing new was kept");
}

#[test]
fn a_dry_run_tells_the_same_and_keeps_nothing() {
    let mut rig = world();
    let (frames, position) = (rig.frames, rig.partition.vault.position);
    let books = || Books::default().entry("e-1", ("ann", "shop"), 60).entry("e-2", ("ann", "shop"), 60);
    let said = rig.change(books(), Run::Dry, None);
    rig.settle();
    assert_eq!(words(&said.lock().unwrap()[0].as_ref().unwrap().results), ["posted", "insufficient"]);
    assert_eq!((rig.frames, rig.partition.vault.position), (frames, position));
    assert_eq!(words(&rig.changed(books()).results), ["posted", "insufficient"]);
}

#[test]
fn an_order_of_holds_is_final_in_one_frame_and_reserves_all_or_none() {
    let mut rig = world();
    let frames = rig.frames;
    let told = rig.begin(order("o-1", &[("a", "30"), ("b", "40")]));
    rig.settle();
    assert_eq!(told.lock().unwrap()[0].as_ref().unwrap().transaction.state_name(), "confirmed");
    assert_eq!((rig.balances("ann"), rig.balances("shop"), rig.frames), ((30, 0), (70, 0), frames + 1));
    let told = rig.begin(order("o-2", &[("a", "20"), ("b", "20")]));
    rig.settle();
    let told = told.lock().unwrap();
    let transaction = &told[0].as_ref().unwrap().transaction;
    assert_eq!(transaction.state_name(), "cancelled");
    let detail = &transaction.reason.as_ref().unwrap().detail;
    assert!(detail.starts_with("insufficient"), "{detail}");
    assert_eq!(rig.balances("ann"), (30, 0));
}

#[test]
fn a_mixed_order_holds_until_its_call_is_done() {
    let mut rig = world();
    let mut begin = order("o-1", &[("a", "30")]);
    Arc::make_mut(&mut begin.spec).branches.push(call("pay"));
    drop(rig.begin(begin));
    rig.settle();
    assert_eq!((rig.balances("ann"), rig.under_way()), ((100, 30), vec!["pay.try#1".to_owned()]));
    // Nobody else may touch what a branch holds.
    let books = Books::default().capture("c", "o-1/a");
    assert_eq!(words(&rig.changed(books).results), ["hold_owned"]);
    rig.answer(Reply::Done { result: None });
    assert_eq!(rig.balances("ann"), (70, 0));
    rig.answer(Reply::Done { result: None });
    assert_eq!(rig.state("o-1"), "confirmed");
}

#[test]
fn a_key_answers_the_first_results() {
    let mut rig = world();
    let key = |content: u8| Key { scope: Arc::from("entries k"), fingerprint: [content; 32] };
    let books = || Books::default().entry("e-1", ("ann", "shop"), 30).entry("e-2", ("ann", "shop"), 300);
    for _ in 0..2 {
        let said = rig.change(books(), Run::Real, Some(key(1)));
        rig.settle();
        let said = said.lock().unwrap();
        assert_eq!(words(&said[0].as_ref().unwrap().results), ["posted", "insufficient"]);
    }
    let said = rig.change(books(), Run::Real, Some(key(2)));
    rig.settle();
    assert_eq!(said.lock().unwrap()[0].as_ref().unwrap_err().kind.code, "idempotency_mismatch");
    assert_eq!(rig.balances("ann"), (70, 0));
}

#[test]
fn a_hold_expires_by_itself_also_after_a_restart() {
    let mut rig = world();
    let held = |ms| Expiry::In(ms);
    let books = Books::default().hold("h-1", 10, held(1_000)).hold("h-2", 20, held(5_000));
    assert_eq!(words(&rig.changed(books).results), ["held", "held"]);
    assert_eq!(rig.partition.next_at(rig.now), Some(rig.now.plus_ms(1_000)));
    rig.wait_ms(1_000);
    assert_eq!(rig.balances("ann"), (100, 20));
    let Rig { journal, archive, now, .. } = rig;
    let mut rig = Rig::over(Config::default(), journal, archive);
    rig.now = now.plus_ms(10_000);
    // A capture that comes with the sweep still behind is refused as well.
    let books = Books::default().capture("c", "h-2").capture("c", "h-1");
    assert_eq!(words(&rig.changed(books).results), ["hold_expired", "hold_expired"]);
    assert_eq!(rig.balances("ann"), (100, 0));
}
