//! Looks after a Redis resource: connects, judges what Redis holds, compares it with the books, rebuilds it when asked.
//!
//! It never mends a difference by itself. It fills Redis unasked in one case only: where nothing was ever counted.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use engine::Engine;
use participant::redis::counter::Figures;
use serde_json::{Value as Json, json};
use tokio::sync::RwLockWriteGuard;
use transaction::Refusal;

use super::books::{self, Books, Sums};
use super::link::{Epoch, Link};
use super::{Gate, LOST, RedisResource};
use crate::refusal::RESOURCE_UNREADY;

/// The pause before looking again at a Redis that is away or lost.
const PAUSE: Duration = Duration::from_millis(500);
/// Counters that a report shows at most, those that differ first.
const SHOWN: usize = 1_000;

impl RedisResource {
    /// Looks after the resource for ever.
    pub(super) async fn keep(self: Arc<Self>) {
        loop {
            let is_open = self.look().await;
            let pause = if is_open { self.every } else { PAUSE };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.woken.notified() => tokio::time::sleep(PAUSE / 10).await,
            }
        }
    }

    /// Judges what Redis holds, and compares; says whether calls may go there.
    async fn look(&self) -> bool {
        self.catch_up().await;
        let mut gate = self.gate.write().await;
        let looked = self.looked(&mut gate).await;
        let is_open = looked.is_ok();
        self.meters.show_ready(&self.name, i64::from(is_open));
        match looked {
            Ok(report) => self.tell(report),
            Err(why) => {
                if !matches!(&*gate, Gate::Shut(known) if *known == why) {
                    tracing::error!(resource = self.name, why, "the resource can't be used");
                }
                self.tell(json!({"state": "shut", "why": why}));
                *gate = Gate::Shut(why);
            }
        }
        is_open
    }

    /// Counts what is settled for good into the small file while calls go on: behind the shut gate only the rest is read.
    async fn catch_up(&self) {
        // Keeps a rebuild away, which writes the file too.
        let gate = self.gate.read().await;
        if matches!(&*gate, Gate::Open { .. })
            && let Ok(books) = self.books().await
            && let Err(why) = self.remember(&books)
        {
            tracing::warn!(resource = self.name, why, "the sums are not kept");
        }
    }

    async fn looked(&self, gate: &mut RwLockWriteGuard<'_, Gate>) -> Result<Json, String> {
        let kept = self.kept();
        let down = |why: String| format!("redis_down: {why}");
        let link = match &**gate {
            Gate::Open { link, .. } => Link::clone(link),
            Gate::Shut(_) => self.place.connect().await.map_err(down)?,
        };
        match link.judge(&kept.epoch).await.map_err(down)? {
            Epoch::Ours => {}
            Epoch::Nothing if kept.epoch.is_empty() => return self.begun(&link, gate).await,
            Epoch::Nothing | Epoch::Another => return Err(LOST.to_owned()),
        }
        if matches!(&**gate, Gate::Shut(_)) {
            tracing::info!(resource = self.name, "the resource is ready");
            **gate = Gate::Open { link: Box::new(link.clone()), epoch: kept.epoch.clone() };
        }
        // Books that can't be read now, or sums that can't be kept, are no reason to sell nothing.
        match self.books().await.map_err(|refusal| refusal.to_string()) {
            Ok(books) => {
                if let Err(why) = self.remember(&books) {
                    tracing::warn!(resource = self.name, why, "the sums are not kept");
                }
                let counters = link.counters(books.counters.keys().collect()).await.map_err(down)?;
                Ok(self.compared(&books, &counters))
            }
            Err(why) => {
                tracing::warn!(resource = self.name, why, "the resource is not compared");
                Ok(json!({"state": "open", "why": why}))
            }
        }
    }

    /// Fills a Redis that was never filled, if there is nothing that it could have lost.
    async fn begun(&self, link: &Link, gate: &mut RwLockWriteGuard<'_, Gate>) -> Result<Json, String> {
        let books = self.books().await.map_err(|refusal| format!("redis_down: {refusal}"))?;
        if books.counters.is_empty() { self.fill((link, books), gate).await } else { Err(LOST.to_owned()) }
    }

    async fn books(&self) -> Result<Books, Refusal> {
        books::read(self.engine()?, &self.kind_url(), &self.kept()).await
    }

    fn engine(&self) -> Result<&Engine, Refusal> {
        self.engine.get().ok_or_else(|| RESOURCE_UNREADY.because("the server is starting"))
    }

    fn kind_url(&self) -> String {
        super::ResourceKind::Redis.url(&self.name).to_string()
    }

    /// Keeps the sums of what is settled for good.
    fn remember(&self, books: &Books) -> Result<(), String> {
        if self.kept() == books.kept {
            return Ok(());
        }
        books.kept.write(&self.path).map_err(|error| format!("the resource's file: {error}"))?;
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = books.kept.clone();
        Ok(())
    }

    /// Fills Redis from the books under a new epoch, and opens the gate.
    async fn fill(
        &self,
        (link, mut books): (&Link, Books),
        gate: &mut RwLockWriteGuard<'_, Gate>,
    ) -> Result<Json, String> {
        if let Some((name, sums)) = books.counters.iter().find(|(_, sums)| sums.available() < 0) {
            return Err(format!(
                "redis_lost: the journal does not hold all of {name} any more: {} were loaded and {} taken",
                sums.loaded,
                sums.sold + sums.reserved
            ));
        }
        // The file first: a Redis that is filled under an epoch that nobody knows is only lost once more.
        books.kept.epoch = format!("{:032x}", fastrand::u128(..));
        self.remember(&books)?;
        link.fill(&books, &books.kept.epoch).await?;
        tracing::info!(
            resource = self.name,
            counters = books.counters.len(),
            "the resource is filled from the journal"
        );
        **gate = Gate::Open { link: Box::new(link.clone()), epoch: books.kept.epoch.clone() };
        let counters = link.counters(books.counters.keys().collect()).await?;
        Ok(self.compared(&books, &counters))
    }

    /// Rebuilds the resource from the journal. Calls wait meanwhile.
    pub(super) async fn rebuilt(&self) -> Result<Json, Refusal> {
        let unready = |why: String| RESOURCE_UNREADY.because(why);
        let mut gate = self.gate.write().await;
        *gate = Gate::Shut("redis_lost: the resource is being rebuilt".to_owned());
        let books = self.books().await?;
        let link = self.place.connect().await.map_err(unready)?;
        let report = self.fill((&link, books), &mut gate).await.map_err(unready)?;
        self.meters.show_ready(&self.name, 1);
        self.tell(report.clone());
        Ok(report)
    }

    fn tell(&self, report: Json) {
        *self.report.lock().unwrap_or_else(PoisonError::into_inner) = report;
    }

    /// What differs between Redis and the books, beyond what is not settled.
    fn compared(&self, books: &Books, counters: &std::collections::BTreeMap<String, Figures>) -> Json {
        let names: std::collections::BTreeSet<&String> =
            books.counters.keys().chain(counters.keys()).collect();
        let mut lines: Vec<(u64, Json)> = names
            .into_iter()
            .map(|name| {
                let sums = books.counters.get(name).copied().unwrap_or_default();
                let figures = counters.get(name).copied().unwrap_or_default();
                let drift = drift(&sums, &figures);
                let line = json!({
                    "counter": name,
                    "available": figures.available, "reserved": figures.reserved, "sold": figures.sold,
                    "journal": {"available": sums.available(), "reserved": sums.reserved, "sold": sums.sold, "unsettled": sums.unsettled},
                    "drift": drift,
                });
                (drift, line)
            })
            .collect();
        let drift: u64 = lines.iter().map(|(drift, _)| drift).sum();
        self.meters.show_drift(&self.name, drift);
        if drift > 0 {
            tracing::error!(resource = self.name, drift, "Redis and the journal differ");
        }
        lines.sort_by_key(|(drift, _)| std::cmp::Reverse(*drift));
        let shown: Vec<Json> = lines.into_iter().take(SHOWN).map(|(_, line)| line).collect();
        json!({"state": "open", "drift": drift, "counters": shown})
    }
}

/// By how many units the figure that differs most is off.
fn drift(sums: &Sums, figures: &Figures) -> u64 {
    let pairs =
        [(sums.available(), figures.available), (sums.reserved, figures.reserved), (sums.sold, figures.sold)];
    let most =
        pairs.into_iter().map(|(kept, seen)| i64::try_from(seen).unwrap_or(i64::MAX).abs_diff(kept)).max();
    most.unwrap_or(0).saturating_sub(sums.unsettled.unsigned_abs())
}
