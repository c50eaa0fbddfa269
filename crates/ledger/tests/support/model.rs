//! What the ledger should do, said once more: slow, with texts and copies, written for nothing but to be obvious.
//!
//! A unit of an account with lots is a token that knows when it expires; so nothing here counts lots.

use std::collections::{BTreeMap, HashMap};

use ledger::{
    Adjust, Amount, Capture, Command, Done, Entry, Expiry, Floor, Hold, Linked, Open, Origin, Reopen,
    Standing, Take,
};
use transaction::Time;

use super::Told;

pub const NEVER: i64 = i64::MAX;

#[derive(Clone, Debug, Default)]
pub struct Account {
    pub asset: String,
    pub floor: Option<i128>,
    pub ceiling: Option<i128>,
    pub sink: Option<String>,
    pub standing: String,
    pub posted: i128,
    /// The free units of an account with lots: when each expires, sorted.
    pub tokens: Vec<i64>,
    opened: String,
}

#[derive(Clone, Debug)]
pub struct Held {
    pub from: String,
    pub to: String,
    pub left: i128,
    pub captured: i128,
    pub tokens: Vec<i64>,
    pub expires_at: i64,
    pub owned: bool,
    /// `open`, `captured`, `released` or `expired`.
    pub state: &'static str,
    last_capture: Option<Took>,
}

#[derive(Clone, Debug)]
struct Took {
    from: String,
    to: String,
    amount: i128,
    refunded: i128,
    tokens: Vec<i64>,
}

#[derive(Clone, Debug, Default)]
pub struct Model {
    pub now: i64,
    pub assets: BTreeMap<String, u8>,
    pub accounts: BTreeMap<String, Account>,
    pub holds: BTreeMap<String, Held>,
    entries: HashMap<String, Took>,
    /// What each id was first used for, in words, and how much it moved.
    said: HashMap<String, (String, i128)>,
}

type Answer = Result<(Done, Option<i128>), &'static str>;

impl Model {
    pub fn carry_out(&mut self, commands: &[Command<&str>], now: Time) -> Vec<Told> {
        self.now = now.0;
        self.time_goes_first();
        let mut told = Vec::new();
        while told.len() < commands.len() {
            let first = told.len();
            let Some(length) = commands[first..].iter().position(|c| c.linked() == Linked::No) else {
                told.resize(commands.len(), Err("linked_open"));
                break;
            };
            let chain = &commands[first..=first + length];
            let before = self.clone();
            let mut answers = Vec::new();
            for command in chain {
                answers.push(self.one(command));
                if answers.last().is_some_and(Result::is_err) && chain.len() > 1 {
                    *self = before;
                    let failed = answers.len() - 1;
                    let fault = answers[failed];
                    answers = vec![Err("linked_refused"); chain.len()];
                    answers[failed] = fault;
                    break;
                }
            }
            told.extend(answers);
        }
        told
    }

    pub fn held(&self, id: &str) -> i128 {
        self.holds.values().filter(|h| h.state == "open" && h.from == id).map(|h| h.left).sum()
    }

    pub fn incoming(&self, id: &str) -> i128 {
        self.holds.values().filter(|h| h.state == "open" && h.to == id).map(|h| h.left).sum()
    }

    pub fn time_goes_first(&mut self) {
        let due = |held: &Held, now| held.state == "open" && held.expires_at <= now;
        let ids: Vec<String> =
            self.holds.iter().filter(|(_, h)| due(h, self.now)).map(|(id, _)| id.clone()).collect();
        for id in ids {
            self.close(&id, "expired");
        }
        self.expire_tokens();
    }

    fn expire_tokens(&mut self) {
        let ids: Vec<String> = self.accounts.keys().cloned().collect();
        for id in ids {
            let now = self.now;
            let account = self.accounts.get_mut(&id).expect("listed");
            let Some(sink) = account.sink.clone() else { continue };
            let before = account.tokens.len();
            account.tokens.retain(|at| *at > now);
            let gone = (before - account.tokens.len()) as i128;
            account.posted -= gone;
            self.accounts.get_mut(&sink).expect("a sink").posted += gone;
        }
    }

    fn close(&mut self, id: &str, state: &'static str) -> i128 {
        let held = self.holds.get_mut(id).expect("open");
        held.state = state;
        let tokens = std::mem::take(&mut held.tokens);
        let (left, from) = (held.left, held.from.clone());
        self.give(&from, tokens);
        self.expire_tokens();
        left
    }

    fn give(&mut self, id: &str, tokens: Vec<i64>) {
        let account = self.accounts.get_mut(id).expect("exists");
        account.tokens.extend(tokens);
        account.tokens.sort_unstable();
    }

    fn take(&mut self, id: &str, units: i128) -> Vec<i64> {
        let account = self.accounts.get_mut(id).expect("exists");
        if account.sink.is_none() {
            return Vec::new();
        }
        account.tokens.drain(..usize::try_from(units).expect("small")).collect()
    }

    fn one(&mut self, command: &Command<&str>) -> Answer {
        match command {
            Command::Asset(asset) => match self.assets.get(asset.code) {
                Some(scale) if *scale == asset.scale => Ok((Done::Duplicate, None)),
                Some(_) => Err("asset_mismatch"),
                None => {
                    self.assets.insert(asset.code.into(), asset.scale);
                    Ok((Done::Declared, None))
                }
            },
            Command::Open(open) => self.open(open),
            Command::Adjust(adjust) => self.adjust(adjust),
            Command::Entry(entry) => self.post(entry),
            Command::Hold(hold) => self.hold(hold),
            Command::Capture(capture) => self.capture(capture),
            Command::Release(release) => {
                let held = self.holds.get(release.hold).ok_or("hold_unknown")?;
                match held.state {
                    "open" if held.owned && release.origin == Origin::Direct => Err("hold_owned"),
                    "open" => Ok((Done::Released, Some(self.close(release.hold, "released")))),
                    "released" => Ok((Done::Duplicate, None)),
                    "expired" => Err("hold_expired"),
                    _ => Err("hold_closed"),
                }
            }
            Command::Reopen(reopen) => self.reopen(reopen),
            Command::Declare(_) | Command::Create(_) | Command::Move(_) => {
                unreachable!("items have their own")
            }
        }
    }

    fn adjust(&mut self, adjust: &Adjust<&str>) -> Answer {
        let account = self.accounts.get(adjust.account).ok_or("account_unknown")?;
        let key = format!("adjust {}", adjust.id);
        let said = format!("{adjust:?}");
        if let Some(answer) = self.repeat(&key, (&said, None)) {
            return answer;
        }
        let floor = adjust.floor.map(floor);
        if account.sink.is_some() && floor.is_some_and(|f| f.is_none_or(|f| f < 0)) {
            return Err("lots_invalid");
        }
        let empty =
            account.posted == 0 && self.held(adjust.account) == 0 && self.incoming(adjust.account) == 0;
        if adjust.standing == Some(Standing::Closed) && !empty {
            return Err("account_not_empty");
        }
        let account = self.accounts.get_mut(adjust.account).expect("found");
        account.floor = floor.unwrap_or(account.floor);
        if let Some(ceiling) = adjust.ceiling {
            account.ceiling = ceiling.map(units);
        }
        if let Some(standing) = adjust.standing {
            account.standing = format!("{standing:?}");
        }
        self.said.insert(key, (said, 0));
        Ok((Done::Changed, None))
    }

    fn reopen(&mut self, reopen: &Reopen<&str>) -> Answer {
        let key = format!("capture {} {}", reopen.hold, reopen.id);
        let said = format!("{reopen:?}");
        let amount = self.said.get(&key).map(|(_, amount)| *amount);
        if let Some(answer) = self.repeat(&key, (&said, amount)) {
            return answer;
        }
        let held = self.holds.get(reopen.hold).ok_or("hold_unknown")?.clone();
        match held.state {
            "open" if held.owned => return Err("hold_owned"),
            "open" => return Err("hold_open"),
            "expired" if held.owned => return Err("hold_owned"),
            "expired" => {}
            _ => return Err("hold_closed"),
        }
        self.may_exchange(&held.from, &held.to)?;
        let expires_at = self.expiry(reopen.expiry)?;
        let amount = self.room((&held.from, &held.to), held.left, Take::Exactly)?;
        let tokens = self.take(&held.from, amount);
        let open = Held { tokens, expires_at, owned: false, state: "open", ..held };
        self.holds.insert(reopen.hold.into(), open);
        self.said.insert(key, (said, amount));
        Ok((Done::Reopened, Some(amount)))
    }

    fn repeat(&self, key: &str, (said, amount): (&str, Option<i128>)) -> Option<Answer> {
        let (before, _) = self.said.get(key)?;
        Some(if before == said { Ok((Done::Duplicate, amount)) } else { Err("id_mismatch") })
    }

    fn open(&mut self, open: &Open<&str>) -> Answer {
        self.assets.get(open.asset).ok_or("asset_unknown")?;
        let said = format!("{} {:?} {:?} {:?}", open.asset, open.floor, open.ceiling, open.lots);
        if let Some(account) = self.accounts.get(open.id) {
            return if account.opened == said { Ok((Done::Duplicate, None)) } else { Err("id_mismatch") };
        }
        let floor = floor(open.floor);
        if let Some(sink) = open.lots {
            let sink = self.accounts.get(sink).ok_or("account_unknown")?;
            if sink.asset != open.asset || sink.sink.is_some() || floor.is_none_or(|floor| floor < 0) {
                return Err("lots_invalid");
            }
        }
        let account = Account {
            asset: open.asset.into(),
            floor,
            ceiling: open.ceiling.map(units),
            sink: open.lots.map(Into::into),
            standing: "Active".into(),
            opened: said,
            ..Account::default()
        };
        self.accounts.insert(open.id.into(), account);
        Ok((Done::Opened, None))
    }

    fn may_exchange(&self, from: &str, to: &str) -> Result<(), &'static str> {
        if from == to {
            return Err("account_same");
        }
        let (from, to) = (&self.accounts[from], &self.accounts[to]);
        if from.asset != to.asset {
            return Err("asset_mismatch");
        }
        for account in [from, to] {
            match account.standing.as_str() {
                "Frozen" => return Err("account_frozen"),
                "Closed" => return Err("account_closed"),
                _ => {}
            }
        }
        Ok(())
    }

    fn room(&self, (from, to): (&str, &str), wanted: i128, take: Take) -> Result<i128, &'static str> {
        let (payer, payee) = (&self.accounts[from], &self.accounts[to]);
        let mut granted = 0;
        while granted < wanted {
            let rest = payer.posted - self.held(from) - granted - 1;
            if payer.floor.is_some_and(|floor| rest < floor) {
                break;
            }
            let sum = payee.posted + self.incoming(to) + granted + 1;
            if payee.ceiling.is_some_and(|ceiling| sum > ceiling) {
                break;
            }
            granted += 1;
        }
        if take == Take::UpTo || granted == wanted {
            return Ok(granted);
        }
        let rest = payer.posted - self.held(from) - wanted;
        if payer.floor.is_some_and(|floor| rest < floor) {
            Err("insufficient")
        } else {
            Err("ceiling_exceeded")
        }
    }

    fn expiry(&self, expiry: Expiry) -> Result<i64, &'static str> {
        let at = match expiry {
            Expiry::Never => return Ok(NEVER),
            Expiry::In(ms) => Time(self.now).plus_ms(ms).0,
            Expiry::At(at) => at.0,
        };
        if at > self.now { Ok(at) } else { Err("expiry_invalid") }
    }

    fn post(&mut self, entry: &Entry<&str>) -> Answer {
        for id in [entry.from, entry.to] {
            self.accounts.get(id).ok_or("account_unknown")?;
        }
        let wanted = units(entry.amount);
        if wanted <= 0 {
            return Err("amount_invalid");
        }
        let key = format!("entry {}", entry.id);
        let said = format!("{:?}", Entry { amount: Amount::Units(wanted), linked: Linked::No, ..*entry });
        let amount = self.said.get(&key).map(|(_, amount)| *amount);
        if let Some(answer) = self.repeat(&key, (&said, amount)) {
            return answer;
        }
        self.may_exchange(entry.from, entry.to)?;
        let expires_at = self.expiry(entry.expiry)?;
        if expires_at != NEVER && self.accounts[entry.to].sink.is_none() {
            return Err("lots_invalid");
        }
        let mut amount = self.room((entry.from, entry.to), wanted, entry.take)?;
        let mut back = None;
        if let Some(refunds) = entry.refunds {
            let took = self.took(refunds).ok_or("refund_invalid")?.clone();
            let left = took.amount - took.refunded;
            if (took.from.as_str(), took.to.as_str()) != (entry.to, entry.from) {
                return Err("refund_invalid");
            }
            if amount > left && entry.take == Take::Exactly {
                return Err("refund_invalid");
            }
            amount = amount.min(left);
            back = Some(took);
        }
        let count = usize::try_from(amount).expect("small");
        let tokens = match &back {
            Some(took) if expires_at == NEVER && !took.tokens.is_empty() => {
                let already = usize::try_from(took.refunded).expect("small");
                took.tokens.iter().rev().skip(already).take(count).copied().collect()
            }
            _ => vec![expires_at; count],
        };
        let taken = self.take(entry.from, amount);
        self.accounts.get_mut(entry.from).expect("found").posted -= amount;
        self.accounts.get_mut(entry.to).expect("found").posted += amount;
        if self.accounts[entry.to].sink.is_some() {
            self.give(entry.to, tokens);
        }
        if let Some(refunds) = entry.refunds {
            self.took(refunds).expect("found").refunded += amount;
        }
        let took = Took { from: entry.from.into(), to: entry.to.into(), amount, refunded: 0, tokens: taken };
        self.entries.insert(entry.id.into(), took);
        self.said.insert(key, (said, amount));
        self.expire_tokens();
        Ok((Done::Posted, Some(amount)))
    }

    fn took(&mut self, id: &str) -> Option<&mut Took> {
        if self.entries.contains_key(id) {
            return self.entries.get_mut(id);
        }
        let held = self.holds.get_mut(id)?;
        if held.state == "captured" { held.last_capture.as_mut() } else { None }
    }

    fn hold(&mut self, hold: &Hold<&str>) -> Answer {
        for id in [hold.from, hold.to] {
            self.accounts.get(id).ok_or("account_unknown")?;
        }
        let wanted = units(hold.amount);
        if wanted <= 0 {
            return Err("amount_invalid");
        }
        let key = format!("hold {}", hold.id);
        let said = format!("{:?}", Hold { amount: Amount::Units(wanted), linked: Linked::No, ..*hold });
        let amount = self.said.get(&key).map(|(_, amount)| *amount);
        if let Some(answer) = self.repeat(&key, (&said, amount)) {
            // A branch holds once.
            return if hold.origin == Origin::Branch { Err("id_mismatch") } else { answer };
        }
        self.may_exchange(hold.from, hold.to)?;
        let expires_at = self.expiry(hold.expiry)?;
        let amount = self.room((hold.from, hold.to), wanted, hold.take)?;
        let held = Held {
            from: hold.from.into(),
            to: hold.to.into(),
            left: amount,
            captured: 0,
            tokens: self.take(hold.from, amount),
            expires_at,
            owned: hold.origin == Origin::Branch,
            state: "open",
            last_capture: None,
        };
        self.holds.insert(hold.id.into(), held);
        self.said.insert(key, (said, amount));
        Ok((Done::Held, Some(amount)))
    }

    fn capture(&mut self, capture: &Capture<&str>) -> Answer {
        let key = format!("capture {} {}", capture.hold, capture.id);
        let asked = capture.amount.map(units);
        let said = match capture.origin {
            Origin::Branch => "branch".to_owned(),
            Origin::Direct => format!("{asked:?} {:?}", capture.cause),
        };
        let is_open = self.holds.get(capture.hold).is_some_and(|held| held.state == "open");
        let is_first = capture.origin == Origin::Branch && asked.is_none() && is_open;
        if let Some((_, amount)) = self.said.get(&key).filter(|_| !is_first) {
            if asked.is_some_and(|asked| asked <= 0) {
                return Err("amount_invalid");
            }
            return self.repeat(&key, (&said, Some(*amount))).expect("found");
        }
        let held = self.holds.get_mut(capture.hold).ok_or("hold_unknown")?;
        match held.state {
            "open" if held.owned && capture.origin == Origin::Direct => return Err("hold_owned"),
            "open" => {}
            "expired" => return Err("hold_expired"),
            _ => return Err("hold_closed"),
        }
        if asked.is_some_and(|asked| asked <= 0) {
            return Err("amount_invalid");
        }
        let amount = asked.unwrap_or(held.left);
        if amount > held.left {
            return Err("capture_exceeds_hold");
        }
        held.left -= amount;
        held.captured += amount;
        if held.left == 0 {
            held.state = "captured";
        }
        let count = usize::try_from(amount).expect("small").min(held.tokens.len());
        let tokens: Vec<i64> = held.tokens.drain(..count).collect();
        let (from, to) = (held.from.clone(), held.to.clone());
        held.last_capture = Some(Took { from: from.clone(), to: to.clone(), amount, refunded: 0, tokens });
        self.accounts.get_mut(&from).expect("found").posted -= amount;
        self.accounts.get_mut(&to).expect("found").posted += amount;
        if self.accounts[&to].sink.is_some() {
            self.give(&to, vec![NEVER; usize::try_from(amount).expect("small")]);
        }
        self.said.insert(key, (said, amount));
        Ok((Done::Captured, Some(amount)))
    }
}

fn units(amount: Amount<&str>) -> i128 {
    match amount {
        Amount::Units(units) | Amount::Whole(units) => units,
        Amount::Decimal(text) => text.parse().expect("the tests' decimals are whole"),
    }
}

fn floor(floor: Floor<Amount<&str>>) -> Option<i128> {
    match floor {
        Floor::None => None,
        Floor::At(amount) => Some(units(amount)),
    }
}
