//! The ledger's share of transactions: `hold` and `item` branches, decided in the frame of the transaction's own events.

use std::sync::Arc;

use ledger::{
    Amount, Batch, Capture, Cause, Command, Expiry, Hold, Linked, Move, Origin, Release, Run, Take, Value,
};
use transaction::{
    Argument, Branch, Decision, Desk, Event, HoldLeg, HoldSpec, ItemSpec, Kind, Operation, Quantity, Reply,
    Time, Transaction,
};

use super::vault::{Recalled, Vault};
use crate::batch::Batch as Frame;

/// Keeps the events of one transaction, and carries out its local branches.
pub(super) struct Counter<'a> {
    pub number: u64,
    pub now: Time,
    pub frame: &'a mut Frame,
    pub vault: &'a mut Vault,
}

impl Desk for Counter<'_> {
    fn keep(&mut self, event: &Event) -> u64 {
        self.frame.push_event(self.number, self.now, event)
    }

    fn attempt(&mut self, transaction: &Transaction, branch: u16) -> Reply {
        let Some(branch) = transaction.branches.get(usize::from(branch)) else {
            return Reply::Refused { detail: Arc::from("there is no such branch") };
        };
        let mut asked = Batch::new();
        match &branch.spec.kind {
            Kind::Hold(hold) => hold_all(&mut asked, Asker::of(transaction, branch), hold),
            Kind::Item(item) => {
                let then = Some((&*item.confirm, &*item.cancel));
                move_item(
                    &mut asked,
                    Asker::of(transaction, branch),
                    (item, &item.attempt, Operation::Try, then),
                );
            }
            Kind::Call(_) | Kind::Await | Kind::Raw(_) => {}
        }
        let results = self.vault.carry_out((&asked, Run::Real), &Recalled::new(), (self.frame, self.now));
        let refused = results.iter().filter_map(|result| result.as_ref().err());
        // The member at fault says why; the others only that they were linked to it.
        let cause = refused.min_by_key(|refusal| refusal.kind == &ledger::refusal::LINKED_REFUSED);
        match cause {
            Some(refusal) => Reply::Refused { detail: Arc::from(refusal.to_string()) },
            None => Reply::Done { result: taken(&branch.spec.kind, &results) },
        }
    }

    fn settle(&mut self, transaction: &Transaction, branch: u16, decision: Decision) {
        let Some(branch) = transaction.branches.get(usize::from(branch)) else { return };
        if !branch.was_tried() {
            return;
        }
        let mut asked = Batch::new();
        let asker = Asker::of(transaction, branch);
        match &branch.spec.kind {
            Kind::Hold(hold) => settle_holds(&mut asked, asker, (hold, decision)),
            Kind::Item(item) => {
                let (name, operation) = match decision {
                    Decision::Confirm => (&item.confirm, Operation::Confirm),
                    Decision::Cancel => (&item.cancel, Operation::Cancel),
                };
                move_item(&mut asked, asker, (item, name, operation, None));
            }
            Kind::Call(_) | Kind::Await | Kind::Raw(_) => {}
        }
        let results = self.vault.carry_out((&asked, Run::Real), &Recalled::new(), (self.frame, self.now));
        for refusal in results.iter().filter_map(|result| result.as_ref().err()) {
            // The try has seen to it that this cannot be: whoever audits the books must hear of it.
            tracing::error!(transaction = &*transaction.spec.id, branch = &*branch.spec.id, %refusal, "a local branch was not settled");
            debug_assert!(false, "a local branch was not settled: {refusal}");
        }
    }
}

/// Whose branch asks.
#[derive(Clone, Copy)]
struct Asker<'a> {
    transaction: &'a str,
    branch: &'a str,
}

impl<'a> Asker<'a> {
    fn of(transaction: &'a Transaction, branch: &'a Branch) -> Asker<'a> {
        Asker { transaction: &transaction.spec.id, branch: &branch.spec.id }
    }

    fn cause(self) -> Cause<&'a str> {
        Cause { transaction: Some(self.transaction), branch: Some(self.branch), operator: None, reason: None }
    }

    /// `transaction/branch`, and of further legs `transaction/branch/2` and so on.
    fn hold(self, index: usize) -> String {
        let Asker { transaction, branch } = self;
        if index == 0 {
            format!("{transaction}/{branch}")
        } else {
            format!("{transaction}/{branch}/{}", index + 1)
        }
    }
}

fn hold_all(asked: &mut Batch, asker: Asker<'_>, hold: &HoldSpec) {
    let legs = hold.legs.len();
    for (index, HoldLeg { from, to, amount, up_to }) in hold.legs.iter().enumerate() {
        asked.push(&Command::Hold(Hold {
            id: &asker.hold(index),
            from,
            to,
            amount: match amount {
                Quantity::Decimal(text) => Amount::Decimal(text),
                Quantity::Whole(units) => Amount::Whole(*units),
            },
            take: if *up_to { Take::UpTo } else { Take::Exactly },
            expiry: Expiry::Never,
            linked: if index + 1 < legs { Linked::ToNext } else { Linked::No },
            origin: Origin::Branch,
            cause: asker.cause(),
        }));
    }
}

fn settle_holds(asked: &mut Batch, asker: Asker<'_>, (hold, decision): (&HoldSpec, Decision)) {
    let legs = hold.legs.len();
    for index in 0..legs {
        let id = asker.hold(index);
        let (linked, origin, cause) = (Linked::No, Origin::Branch, asker.cause());
        asked.push(&match decision {
            Decision::Confirm => {
                Command::Capture(Capture { id: "", hold: &id, amount: None, linked, origin, cause })
            }
            Decision::Cancel => Command::Release(Release { hold: &id, linked, origin, cause }),
        });
    }
}

/// The item, the move, as which operation, and what must be possible afterwards.
type Step<'a> = (&'a ItemSpec, &'a str, Operation, Option<(&'a str, &'a str)>);

fn move_item(asked: &mut Batch, asker: Asker<'_>, (item, name, operation, then): Step<'_>) {
    let id = format!("{}/{}/{}", asker.transaction, asker.branch, operation.name(transaction::Pattern::Tcc));
    asked.push(&Command::Move(Move {
        id: &id,
        item: &item.item,
        name,
        owner: item.owner.as_deref(),
        arguments: item.arguments.iter().map(|(key, argument)| (&**key, told(argument))).collect(),
        then,
        linked: Linked::No,
        origin: Origin::Branch,
        cause: asker.cause(),
    }));
}

fn told(argument: &Argument) -> Value<&str> {
    match argument {
        Argument::Text(text) => Value::Text(text),
        Argument::Integer(number) => Value::Integer(*number),
        Argument::Flag(flag) => Value::Flag(*flag),
    }
}

/// What a hold of "as much as is there" took, as the branch's result: `{"taken":["12.50"]}`.
fn taken(kind: &Kind, results: &ledger::Results) -> Option<Arc<str>> {
    let Kind::Hold(hold) = kind else { return None };
    if hold.legs.iter().all(|leg| !leg.up_to) {
        return None;
    }
    let amounts = results.iter().flatten().map(|outcome| {
        format!("\"{}\"", ledger::format_units(outcome.amount.unwrap_or_default(), outcome.scale))
    });
    Some(Arc::from(format!("{{\"taken\":[{}]}}", amounts.collect::<Vec<_>>().join(","))))
}
