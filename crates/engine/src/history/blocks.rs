//! The history's bytes held against their sums: at an open, on a walk, and all of them for the verifier.
//!
//! A sum that does not fit is told with file and offset. Sums are only made anew where the archive's tables have one that
//! speaks for all bytes, or where there never were any. It must never change a byte of the history. Read next: `sums.rs`.

use std::sync::Arc;

use journal::Disk;

use super::record::whole;
use super::segments::Segments;
use super::sums::{BLOCK_BYTES, Chain, SUM_BYTES, Sums, sum};
use super::{Reach, SEGMENT_BYTES};
use crate::Fault;

/// Bytes read at once where sums are made anew.
const CHUNK: u64 = 1 << 20;

/// How large the parts of a history are. Tests have small ones.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// A file that has so many bytes is followed by another.
    pub(super) file: u64,
    /// Bytes that have one sum.
    pub(super) block: u64,
}

impl Sizes {
    pub(super) const REAL: Sizes = Sizes { file: SEGMENT_BYTES, block: BLOCK_BYTES };
}

/// What a history has on disk: its files and their sums.
pub(super) struct Files {
    pub(super) segments: Segments,
    pub(super) sums: Sums,
    pub(super) block: u64,
}

/// Where the sums go on after an open.
pub(super) struct Resumed {
    pub(super) chain: Chain,
    /// What was wrong with the sums, and was mended.
    pub(super) mended: Option<String>,
}

impl Files {
    /// No files yet.
    pub(super) fn none(disk: Arc<dyn Disk>, sizes: Sizes) -> Files {
        let segments = Segments::none(Arc::clone(&disk), sizes.file);
        Files { segments, sums: Sums::new(disk), block: sizes.block }
    }

    /// The files below `end`; the inner error says what is missing.
    pub(super) fn open(disk: Arc<dyn Disk>, sizes: Sizes, end: u64) -> Result<Result<Files, String>, Fault> {
        let segments = Segments::open(Arc::clone(&disk), sizes.file, end)?;
        Ok(segments.map(|segments| Files { segments, sums: Sums::new(disk), block: sizes.block }))
    }

    /// Checks the last whole block and what follows it. The inner error names what is damaged.
    pub(super) fn resume(&self, reach: Reach) -> Result<Result<Resumed, String>, Fault> {
        let Some(kept) = reach.sum else {
            if reach.end > 0 {
                tracing::warn!(
                    "the history of the ledger has no sums yet: they are made from its bytes as they are"
                );
            }
            let (chain, sums) = self.tell(reach.end)?;
            self.sums.put(0, &sums)?;
            return Ok(Ok(Resumed { chain, mended: None }));
        };
        let why = match self.tail(reach.end)? {
            Ok(chain) if chain.sum() == kept => return Ok(Ok(Resumed { chain, mended: None })),
            Ok(chain) => self.unfit_tail(&chain, reach.end)?,
            Err(why) => why,
        };
        let (chain, sums) = self.tell(reach.end)?;
        if chain.sum() != kept {
            return Ok(Err(self.first_unfit(chain.full(), reach.end)?.unwrap_or(why)));
        }
        let why = self.first_wrong_sum(&sums)?.unwrap_or(why);
        tracing::warn!(%why, "the history of the ledger is whole, but its sums were not: they are made anew");
        self.sums.put(0, &sums)?;
        Ok(Ok(Resumed { chain, mended: Some(why) }))
    }

    /// The chain at the end, from the sum of the last whole block on, which is checked.
    fn tail(&self, end: u64) -> Result<Result<Chain, String>, Fault> {
        let full = end / self.block;
        let former = match full.checked_sub(1).map(|last| self.check(last, end)).transpose()? {
            None => 0,
            Some(Ok(former)) => former,
            Some(Err(why)) => return Ok(Err(why)),
        };
        let mut chain = Chain::new(self.block, full * self.block, former);
        chain.take(&self.read(full * self.block, end)?, &mut Vec::new());
        Ok(Ok(chain))
    }

    /// All sums from the bytes as they are.
    fn tell(&self, end: u64) -> Result<(Chain, Vec<u64>), Fault> {
        let (mut chain, mut sums) = (Chain::new(self.block, 0, 0), Vec::new());
        let mut position = 0;
        while position < end {
            let stop = end.min(position + CHUNK);
            chain.take(&self.read(position, stop)?, &mut sums);
            position = stop;
        }
        Ok((chain, sums))
    }

    /// The first sum that is not one of these, in words.
    fn first_wrong_sum(&self, sums: &[u64]) -> Result<Option<String>, Fault> {
        for (index, sum) in (0..).zip(sums) {
            match self.sums.get(index)? {
                None => return Ok(Some(format!("{} is missing, or ends too early", self.sums.shown()))),
                Some(found) if found != *sum => {
                    return Ok(Some(format!("{} is damaged", self.named_sum(index))));
                }
                Some(_) => {}
            }
        }
        Ok(None)
    }

    /// The first of so many blocks that does not fit, in words.
    pub(super) fn first_unfit(&self, blocks: u64, end: u64) -> Result<Option<String>, Fault> {
        for index in 0..blocks {
            if let Err(why) = self.check(index, end)? {
                return Ok(Some(why));
            }
        }
        Ok(None)
    }

    /// Whether a full block is as it was written: its sum, or in words what does not fit.
    pub(super) fn check(&self, index: u64, end: u64) -> Result<Result<u64, String>, Fault> {
        let former = match index.checked_sub(1) {
            None => Some(0),
            Some(before) => self.sums.get(before)?,
        };
        let (Some(former), Some(kept)) = (former, self.sums.get(index)?) else {
            let shown = self.sums.shown();
            return Ok(Err(format!("{shown} is missing, or ends before byte {}", (index + 1) * SUM_BYTES)));
        };
        let position = index * self.block;
        let found = sum(&self.read(position, position + self.block)?, position, former);
        if found == kept {
            return Ok(Ok(kept));
        }
        let (block, sum) = (self.named(index, end)?, self.named_sum(index));
        Ok(Err(match self.leads_on(index, found, end)? {
            true => format!("{block} fits the sum after its own, which is damaged: {sum}"),
            false => format!("{block} does not fit its sum: {sum}"),
        }))
    }

    /// Whether the block after `index` has its sum if this one has the sum `found`.
    fn leads_on(&self, index: u64, found: u64, end: u64) -> Result<bool, Fault> {
        let position = (index + 1) * self.block;
        if position + self.block > end {
            return Ok(false);
        }
        let next = self.read(position, position + self.block)?;
        Ok(self.sums.get(index + 1)? == Some(sum(&next, position, found)))
    }

    /// Why an event cannot be read, as far as the sum of the block at its position tells.
    pub(super) fn verdict(&self, position: u64, end: u64) -> String {
        let index = position / self.block;
        if (index + 1) * self.block > end {
            return "its block is the last and has no sum yet".to_owned();
        }
        match self.check(index, end) {
            Ok(Ok(_)) => "its block fits its sum: it was written like this".to_owned(),
            Ok(Err(why)) => why,
            Err(fault) => fault.to_string(),
        }
    }

    fn unfit_tail(&self, chain: &Chain, end: u64) -> Result<String, Fault> {
        let (index, sum) = (chain.full(), "the one in the archive's tables");
        if index * self.block == end {
            return Ok(format!("{} does not lead to the last sum: {sum}", self.sums.shown()));
        }
        Ok(format!("{} does not fit its sum: {sum}", self.named(index, end)?))
    }

    /// A block by its file and offset.
    fn named(&self, index: u64, end: u64) -> Result<String, Fault> {
        let position = index * self.block;
        let place = self.segments.place(position, end)?;
        let bytes = self.block.min(end - position);
        let further = if bytes > place.room { " and at the beginning of the next" } else { "" };
        Ok(format!(
            "the block of {bytes} bytes from byte {} of {}{further}",
            place.offset(position),
            place.shown()
        ))
    }

    fn named_sum(&self, index: u64) -> String {
        format!("byte {} of {}", index * SUM_BYTES, self.sums.shown())
    }

    /// The bytes from `position` to `stop`, of one file or several.
    fn read(&self, position: u64, stop: u64) -> Result<Vec<u8>, Fault> {
        let mut bytes = vec![0; whole(stop - position)];
        let mut filled = 0;
        while filled < bytes.len() {
            let from = position + filled as u64;
            let place = self.segments.place(from, stop)?;
            let part = filled..filled + whole(place.room);
            filled = part.end;
            place.read(&mut bytes[part], from)?;
        }
        Ok(bytes)
    }
}

/// A block that is not what was written, found where its events are needed.
pub(super) fn unfit(position: u64, why: &str) -> Fault {
    let mend = "restore the archive folder from a backup, or, while the journal still has its beginning, move the history's \
                folder away and it is told anew";
    Fault::Archive(format!("the history at {position}: {why}: {mend}"))
}
