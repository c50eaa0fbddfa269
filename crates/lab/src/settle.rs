//! The end of an experiment: everything is brought to its end, everything told is read back, and the books must balance.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::caller::Mode;
use crate::calls;
use crate::judge::{self, Extent};
use crate::patience::within;
use crate::server::command;
use crate::told::{Finding, Kind};
use crate::world::World;

/// *T* of the promises: the largest back-off of the callers' transactions is 100 ms, but calls may be many.
const FINAL_WITHIN: Duration = Duration::from_secs(30);

impl World {
    /// Drains, waits until all is final, judges all, ends the server in good order and lets the auditor look.
    pub(crate) fn settle(&mut self) -> anyhow::Result<()> {
        self.drain();
        if within(FINAL_WITHIN, || (self.open().ok()? == 0).then_some(())).is_none() {
            let what = format!("{} transactions are not final after {FINAL_WITHIN:?}", self.open()?);
            self.load.told.found(finding("P16", &what, String::new()));
        }
        let found = self.transactions()?;
        for key in self.load.told.all() {
            if key.0 != Kind::Transaction {
                self.look(&key)?;
                continue;
            }
            let told = self.load.told.last(&key).unwrap_or_default();
            let now = found.get(&key.1).and_then(Option::as_ref);
            let broken = judge::follows(key.0, &told, now);
            self.judged(broken, 1);
        }
        let calls = self.load.shop.all_calls();
        let broken = calls::judge(&calls, &found).into_iter().chain(calls::effects(&calls, &found));
        self.judged(broken.collect::<Vec<_>>(), calls.len());
        self.accounts()?;
        self.end()
    }

    fn drain(&mut self) {
        let load = &self.load;
        load.turn(Mode::Drain);
        thread::scope(|scope| {
            for caller in &mut self.callers {
                scope.spawn(move || caller.work(load));
            }
        });
    }

    fn open(&self) -> anyhow::Result<u64> {
        let text = self.load.http().try_get("/metrics")?.text;
        let lines = text.lines().filter(|line| line.starts_with("tercet_transactions_open{"));
        let count = |line: &str| line.rsplit(' ').next().and_then(|count| count.parse::<u64>().ok());
        lines.map(|line| count(line).context("no count")).sum()
    }

    fn transactions(&self) -> anyhow::Result<BTreeMap<String, Option<Value>>> {
        let all = self.pages("/v1/transactions?limit=1000")?;
        Ok(all
            .into_iter()
            .map(|one| (one["id"].as_str().unwrap_or_default().to_owned(), Some(one)))
            .collect())
    }

    fn pages(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.read(&format!("{path}{cursor}"))?.context("no such list")?;
            all.extend(page["items"].as_array().cloned().unwrap_or_default());
            let Some(next) = page["next"].as_str() else { return Ok(all) };
            cursor = format!("&cursor={next}");
        }
    }

    fn accounts(&mut self) -> anyhow::Result<()> {
        let accounts = self.pages("/v1/accounts?limit=1000")?;
        self.judged(judge::sum(&accounts), 1);
        for (id, told) in self.load.told.rows() {
            let Some(account) = accounts.iter().find(|account| account["id"] == id.as_str()) else {
                bail!("the account {id} is gone");
            };
            let lines = self.pages(&format!("/v1/accounts/{id}/entries?limit=1000"))?;
            self.judged(judge::journal(&told, (account, &lines), Extent::Whole), told.len());
        }
        Ok(())
    }

    /// Ends it by TERM, and replays the journal with the auditor.
    fn end(&mut self) -> anyhow::Result<()> {
        let mut server = self.server.take().context("no server")?;
        server.signal("TERM");
        let ended = server.wait_end(Duration::from_secs(20)).context("it does not end after TERM")?;
        if ended.code != Some(0) {
            self.load.told.found(finding("P16", "no orderly end after TERM", format!("{ended:?}")));
        }
        let mut verify = command(&self.launch.binary, &[]);
        let output = verify.args(["journal", "verify", "--data"]).arg(&self.launch.data).output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
            self.load.told.found(finding("P9", "the auditor does not agree with the journal", said));
        }
        Ok(())
    }
}

fn finding(promise: &'static str, what: &str, found: String) -> Finding {
    Finding { promise, what: what.to_owned(), told: String::new(), found }
}
