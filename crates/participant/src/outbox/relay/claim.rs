//! Takes rows: those without a key as they are due, those with one by the key's first row, with the run behind it.
//!
//! One short local transaction: lock, lease, commit. A key belongs to whoever holds the lock, then the lease, of its first
//! waiting row, and neither relay waits for the other. Where an earlier row of a key is committed late, a second relay may
//! find another first row; so each row is locked before it is leased, and a run ends before what another has locked.

use std::collections::HashSet;

use super::Office;
use crate::database::{Dialect, Isolation};
use crate::outbox::{Head, Letter, Queue, millis};

/// Keys looked at in one claim: more than can be taken, since others may hold many.
const LOOK: u32 = 4;
/// How often others may be in the way before it is a fault.
const ATTEMPTS: u32 = 10;

/// The key that was looked at last. The keys are gone through in a circle, so that each gets its turn.
#[derive(Debug, Default)]
pub(super) struct Cursor {
    after: String,
}

/// Rows that are sent one after another.
pub(super) type Run = Vec<Letter>;

impl<D: Dialect> Office<D> {
    /// Up to about `room` rows. None: nothing is due that others do not hold.
    pub(super) async fn claim(&self, cursor: &mut Cursor, room: u32) -> Result<Vec<Run>, sqlx::Error> {
        // As far as the end of the keys, and from their beginning to the end.
        let ends_most = if cursor.after.is_empty() { 1 } else { 2 };
        let (mut ends, mut contended) = (0, 0);
        while ends < ends_most {
            let before = cursor.after.clone();
            match self.page(cursor, room).await {
                Ok(runs) if !runs.is_empty() => return Ok(runs),
                Ok(_) => ends += u32::from(cursor.after.is_empty()),
                Err(fault) if D::is_contention(&fault) && contended < ATTEMPTS => {
                    contended += 1;
                    cursor.after = before;
                }
                Err(fault) => return Err(fault),
            }
        }
        Ok(Vec::new())
    }

    /// The due rows without a key and a page of keys, in one local transaction.
    async fn page(&self, cursor: &mut Cursor, room: u32) -> Result<Vec<Run>, sqlx::Error> {
        let mut connection = self.outbox.pool().acquire().await?;
        let mut local = D::begin(&mut connection, Isolation::ReadCommitted).await?;
        let rows: &mut D::Connection = &mut local;
        // Half for each kind, so that neither starves.
        let mut runs: Vec<Run> =
            rows.free(room.div_ceil(2)).await?.into_iter().map(|row| vec![row]).collect();
        let room = room.saturating_sub(u32::try_from(runs.len()).unwrap_or(u32::MAX)).max(1);
        let heads = self.heads(rows, cursor, room).await?;
        if !heads.is_empty() {
            let ids: Vec<_> = heads.iter().map(|head| head.id).collect();
            let mut locked: HashSet<_> = rows.lock(&ids).await?.into_iter().collect();
            let keys: Vec<_> =
                heads.into_iter().filter(|head| locked.contains(&head.id)).map(|head| head.key).collect();
            let each = (room / u32::try_from(keys.len().max(1)).unwrap_or(1)).clamp(1, self.settings.run);
            if !keys.is_empty() {
                let letters = rows.runs(&keys, each).await?;
                // Read without a lock: by now others may hold some.
                let behind: Vec<_> =
                    letters.iter().filter(|it| !locked.contains(&it.id)).map(|it| it.id).collect();
                if !behind.is_empty() {
                    locked.extend(rows.lock(&behind).await?);
                }
                runs.extend(
                    letters.chunk_by(|one, next| one.key == next.key).filter_map(|run| owned(run, &locked)),
                );
            }
        }
        let ids: Vec<_> = runs.iter().flatten().map(|letter| letter.id).collect();
        if ids.is_empty() {
            local.rollback().await?;
            return Ok(runs);
        }
        rows.lease(&ids, &self.holder, millis(self.settings.lease)).await?;
        local.commit().await?;
        self.held.fetch_add(ids.len(), std::sync::atomic::Ordering::AcqRel);
        Ok(runs)
    }

    /// Up to `room` first rows of keys that may be taken. Leaves the cursor at the last key looked at.
    async fn heads(
        &self,
        rows: &mut D::Connection,
        cursor: &mut Cursor,
        room: u32,
    ) -> Result<Vec<Head>, sqlx::Error> {
        let look = room.saturating_mul(LOOK);
        let heads = rows.heads(&cursor.after, look, self.settings.on_dead).await?;
        let is_end = heads.len() < look as usize;
        let mut taken = Vec::new();
        for head in heads {
            if taken.len() >= room as usize {
                return Ok(taken);
            }
            cursor.after.clone_from(&head.key);
            if head.is_free {
                taken.push(head);
            }
        }
        if is_end {
            cursor.after.clear();
        }
        Ok(taken)
    }
}

/// The beginning of a key's rows, as far as it is due and locked: not what another relay holds, nor what it put off.
fn owned(run: &[Letter], locked: &HashSet<i64>) -> Option<Run> {
    let is_ours = |letter: &&Letter| letter.is_due && locked.contains(&letter.id);
    let run: Run = run.iter().take_while(is_ours).cloned().collect();
    (!run.is_empty()).then_some(run)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(id: i64, is_due: impl Into<bool>) -> Letter {
        Letter {
            id,
            message_id: format!("m-{id}"),
            key: Some("k".into()),
            destination: "topic".into(),
            payload: b"{}".to_vec(),
            headers: "{}".into(),
            attempts: 0,
            is_due: is_due.into(),
        }
    }

    #[test]
    fn a_run_ends_where_another_holds_a_row() {
        let ids = |run: Option<Run>| run.map(|run| run.iter().map(|letter| letter.id).collect::<Vec<_>>());
        let rows = [letter(1, true), letter(2, true), letter(3, false), letter(4, true)];
        assert_eq!(ids(owned(&rows, &HashSet::from([1, 2, 3, 4]))), Some(vec![1, 2]));
        assert_eq!(ids(owned(&rows, &HashSet::from([1, 4]))), Some(vec![1]), "another locked the second");
    }

    #[test]
    fn a_key_whose_first_row_is_not_ours_is_left() {
        // An earlier row was committed between the look and the lock.
        assert_eq!(owned(&[letter(1, true), letter(2, true)], &HashSet::from([2])), None);
        assert_eq!(owned(&[letter(1, false)], &HashSet::from([1])), None);
        assert_eq!(owned(&[], &HashSet::from([1])), None);
    }
}
