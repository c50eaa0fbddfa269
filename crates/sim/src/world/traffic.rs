//! The network between initiators, the process and participants: it loses, repeats, delays and garbles, by the plan.
//!
//! Each message has chance of its own, so that leaving one out changes no other. Read next: `actors.rs`, `lives.rs`.

use engine::Heard;
use transaction::{Call, Reply};

use super::World;
use super::happening::{CallNumber, Happening};
use crate::auditor::Told;
use crate::dice::Dice;
use crate::participant::{Delivery, Moment, digest, done, refused, unknown};
use crate::plan::Fault;
use crate::process::Ask;
use crate::script::CHECK_HOST;
use crate::sight::Sight;
use crate::violation::Judged;

/// One direction between two places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    ToProcess,
    FromProcess,
    ToParticipant,
    FromParticipant,
}

impl Route {
    pub(crate) const ALL: [Route; 4] =
        [Route::ToProcess, Route::FromProcess, Route::ToParticipant, Route::FromParticipant];
}

/// Nothing passes on this route until then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Partition {
    pub(crate) route: Route,
    pub(crate) until: i64,
}

/// A call of the process that was not answered yet.
pub(crate) struct UnderWay {
    call: Call,
    host: String,
    heard: Option<Heard>,
    /// Nobody waits for it any more: it took too long.
    is_late: bool,
}

/// The longest that a message is under way, in microseconds.
const LONGEST: i64 = 15_000_000;

impl World<'_> {
    /// When the copies of a message arrive; none when it is lost.
    fn passes(&mut self, route: Route, key: &[u64]) -> Vec<i64> {
        let now = self.now();
        let mut numbers = vec![route as u64, now.cast_unsigned()];
        numbers.extend(key);
        let mut dice = Dice::of(self.plan.seed, "network", &numbers);
        if !self.is_active() {
            return vec![now + dice.within(100, 400)];
        }
        let is_cut = self.partition.is_some_and(|cut| cut.route == route && cut.until > now);
        if is_cut || self.plan.strikes(Fault::Loss, &mut dice) {
            return Vec::new();
        }
        let copies = if self.plan.strikes(Fault::Duplicates, &mut dice) { 2 } else { 1 };
        let arrival = |dice: &mut Dice| {
            let most = if self.plan.strikes(Fault::Delay, dice) { LONGEST } else { 20_000 };
            let least = if most == LONGEST { dice.within(20_000, 3_000_000) } else { 0 };
            now + least + dice.delay(most)
        };
        (0..copies).map(|_| arrival(&mut dice)).collect()
    }

    /// A request leaves for the process.
    pub(super) fn send_request(&mut self, ask: Ask) {
        for at in self.passes(Route::ToProcess, &key_of(ask)) {
            self.queue.put(at, Happening::Request(ask));
        }
    }

    /// An answer leaves for the actor who asked.
    pub(super) fn send_answer(&mut self, ask: Ask, told: Told) {
        if let Some(at) = self.passes(Route::FromProcess, &key_of(ask)).first() {
            self.queue.put(*at, Happening::Answer(ask, Box::new(told)));
        }
    }

    /// A call leaves the process.
    pub(super) fn send_call(&mut self, call: Call, heard: Heard) -> Judged {
        let host = crate::auditor::host_of(&call.url).to_owned();
        self.auditor.called(&call, &host)?;
        let number = self.next_call;
        self.next_call += 1;
        let key = [
            digest(&call.transaction),
            digest(&call.branch),
            digest(call.operation),
            u64::from(call.attempt),
        ];
        let delivery = Delivery {
            transaction: call.transaction.clone(),
            branch: call.branch.clone(),
            operation: call.operation,
        };
        self.transcript.tell(self.time.now(), key[0] ^ key[1] ^ key[2] ^ key[3], || {
            format!(
                "  call   {} of {}/{} #{} -> {host}",
                call.operation, call.transaction, call.branch, call.attempt
            )
        });
        let timeout = i64::try_from(call.timeout_ms).unwrap_or(i64::MAX / 2_000).saturating_mul(1_000);
        self.queue.put(self.now().saturating_add(timeout), Happening::TimeOut(number));
        self.calls.insert(number, UnderWay { call, host, heard: Some(heard), is_late: false });
        for at in self.passes(Route::ToParticipant, &key) {
            self.queue.put(at, Happening::Call(number, Box::new(delivery.clone())));
        }
        Ok(())
    }

    /// A call reaches its participant, whoever made it and whether or not anybody still waits.
    pub(super) fn call_arrives(&mut self, number: CallNumber, delivery: &Delivery) -> Judged {
        let Some(under_way) = self.calls.get(&number) else { return Ok(()) };
        let host = under_way.host.clone();
        let Some(reply) = self.participant_takes(&host, delivery) else { return Ok(()) };
        let key = [digest(&delivery.transaction), digest(&delivery.branch), number];
        for at in self.passes(Route::FromParticipant, &key) {
            self.queue.put(at, Happening::Reply(number, reply.clone()));
        }
        Ok(())
    }

    /// What a participant answers; `None`: nothing.
    fn participant_takes(&mut self, host: &str, delivery: &Delivery) -> Option<Reply> {
        let now = self.now();
        let key = [digest(&delivery.transaction), digest(&delivery.branch), now.cast_unsigned()];
        let mut dice = Dice::of(self.plan.seed, "participant", &key);
        let is_active = self.is_active();
        if host == CHECK_HOST {
            let mut own = Dice::of(self.plan.seed, "check", &[digest(&delivery.transaction)]);
            return Some(if own.one_in(3) { refused("never placed") } else { done() });
        }
        let moment = Moment { now, is_healed: !is_active };
        let participant = self.participants.entry(host.to_owned()).or_default();
        if participant.gone_until > now {
            return None;
        }
        if is_active && self.plan.strikes(Fault::Hang, &mut dice) {
            return None;
        }
        if is_active && self.plan.strikes(Fault::InProgress, &mut dice) {
            return Some(Reply::InProgress);
        }
        let reply = participant.take(delivery, (self.plan, moment), &mut self.auditor.sights);
        self.transcript.tell(now, key[0] ^ key[1], || {
            format!(
                "  {host:<9} takes {} of {}/{}: {}",
                delivery.operation,
                delivery.transaction,
                delivery.branch,
                words(&reply)
            )
        });
        let garbles = is_active && self.plan.strikes(Fault::Garbage, &mut dice);
        Some(if garbles { unknown("the answer means nothing") } else { reply })
    }

    /// A participant's answer reaches the process.
    pub(super) fn reply_arrives(&mut self, number: CallNumber, reply: Reply) -> Judged {
        if self.is_paused_for(|| Happening::Reply(number, reply.clone())) {
            return Ok(());
        }
        if let Some(call) = self.calls.get_mut(&number)
            && std::mem::take(&mut call.is_late)
        {
            self.auditor.sights.see(Sight::TriedLate);
        }
        self.hears(number, reply)
    }

    /// The process has waited long enough.
    pub(super) fn timed_out(&mut self, number: CallNumber) -> Judged {
        if self.is_paused_for(|| Happening::TimeOut(number)) {
            return Ok(());
        }
        if let Some(call) = self.calls.get_mut(&number) {
            call.is_late = call.heard.is_some();
        }
        self.hears(number, unknown("no answer in time"))
    }

    fn hears(&mut self, number: CallNumber, reply: Reply) -> Judged {
        let Some(under_way) = self.calls.get_mut(&number) else { return Ok(()) };
        let Some(heard) = under_way.heard.take() else { return Ok(()) };
        let (call, host) = (under_way.call.clone(), under_way.host.clone());
        self.auditor.heard(&call, &host);
        self.transcript.tell(self.time.now(), digest(&call.transaction) ^ digest(&call.branch), || {
            format!("  reply  {} of {}/{}: {}", call.operation, call.transaction, call.branch, words(&reply))
        });
        heard(reply);
        self.drive()
    }

    /// An initiator's own try leaves for a participant.
    pub(super) fn send_own_try(&mut self, ask: Ask, own: (String, Delivery)) {
        let own = Box::new(own);
        for at in self.passes(Route::ToParticipant, &key_of(ask)) {
            self.queue.put(at, Happening::OwnTry(ask, own.clone()));
        }
    }

    /// An initiator's own try reaches a participant.
    pub(super) fn own_try(&mut self, ask: Ask, (host, delivery): &(String, Delivery)) -> Judged {
        if let Some(reply) = self.participant_takes(host, delivery)
            && let Some(at) = self.passes(Route::FromParticipant, &key_of(ask)).first()
        {
            self.queue.put(*at, Happening::Answer(ask, Box::new(Told::Tried(reply))));
        }
        Ok(())
    }

    /// Whatever is still under way to participants arrives, long after everything is settled.
    pub(super) fn last_calls_arrive(&mut self) -> Judged {
        while let Some((at, happening)) = self.queue.take() {
            self.time.set(at.max(self.time.now()));
            match happening {
                Happening::Call(number, delivery) => self.call_arrives(number, &delivery)?,
                Happening::OwnTry(ask, own) => self.own_try(ask, &own)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// The process ended: nobody hears its calls any more, but they may still arrive.
    pub(super) fn forget_calls(&mut self) {
        for under_way in self.calls.values_mut() {
            under_way.heard = None;
        }
    }
}

pub(super) fn key_of((actor, step, attempt): Ask) -> [u64; 3] {
    [actor as u64, step as u64, u64::from(attempt)]
}

fn words(reply: &Reply) -> String {
    match reply {
        Reply::Done { .. } => "done".to_owned(),
        Reply::Refused { detail } => format!("refused ({detail})"),
        Reply::InProgress => "in progress".to_owned(),
        Reply::Unknown { error } => format!("unknown ({error})"),
    }
}
