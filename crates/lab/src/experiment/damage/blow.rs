//! What is done to a copy of a data folder before it is started.

use std::fmt;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use fastrand::Rng;

use crate::frames::{self, Place};

/// What a start on the copy must do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Must {
    /// Serve all that was told.
    Serve,
    /// Serve all that was told, or refuse and name what is damaged.
    ServeOrRefuse,
}

/// What happens to a file from an offset on.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Act {
    /// Zeros up to the end.
    Zero,
    /// It ends here.
    Shorten,
    /// Nonsense, so many bytes.
    Scribble(usize),
    /// One bit is another.
    Flip(u8),
    /// So many bytes are zeros.
    Block(usize),
    /// So many bytes are what lies so many further down: an old or misplaced write.
    Misplaced(usize),
    /// These bytes lay here some seconds before: a write that the disk forgot.
    Stale(Vec<u8>),
    /// The whole file is as it was some seconds before.
    Old { bytes: Vec<u8>, length: u64 },
    /// It is not there.
    Remove,
}

impl fmt::Debug for Act {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Act::Zero => write!(to, "zeros from here on"),
            Act::Shorten => write!(to, "ends here"),
            Act::Scribble(size) => write!(to, "{size} bytes of nonsense"),
            Act::Flip(bit) => write!(to, "the bit {bit} flipped"),
            Act::Block(size) => write!(to, "{size} zeros"),
            Act::Misplaced(size) => write!(to, "{size} bytes from {size} before"),
            Act::Stale(bytes) => write!(to, "{} bytes of before", bytes.len()),
            Act::Old { length, .. } => write!(to, "the whole file of before, {length} bytes"),
            Act::Remove => write!(to, "missing"),
        }
    }
}

/// One damage.
#[derive(Debug, Clone)]
pub(super) struct Blow {
    /// Below the data folder.
    pub(super) file: PathBuf,
    pub(super) offset: usize,
    pub(super) act: Act,
    pub(super) must: Must,
}

/// Blows on a folder of which everything was told.
pub(super) fn on_told(
    data: &Path,
    (pattern, before): (&Pattern, &Pattern),
    random: &mut Rng,
) -> anyhow::Result<Vec<Blow>> {
    let all = frames::newest(data)?;
    ensure!(all.len() > 20, "too few frames to damage");
    let end = all[all.len() - 1].offset + all[all.len() - 1].size;
    let segment = below(data, &all[0].file)?;
    let at = |offset: usize, act: Act| Blow { file: segment.clone(), offset, act, must: Must::ServeOrRefuse };
    let mut blows = Vec::new();
    let last = &all[all.len() - 3..];
    let first = last[0].offset;
    for number in 0..130 {
        let offset = first + (number * (end - first) / 130 + random.usize(0..8)).min(end - first - 1);
        blows.push(at(offset, if number % 3 == 0 { Act::Shorten } else { Act::Zero }));
    }
    for _ in 0..60 {
        blows.push(at(random.usize(0..end), Act::Flip(1 << random.u8(0..8))));
    }
    for number in 0..60 {
        let size = [512, 4096][number % 2];
        let offset = random.usize(0..end) / size * size;
        blows.push(at(offset, if number % 3 == 0 { Act::Misplaced(size) } else { Act::Block(size) }));
    }
    on_files(pattern, random, &mut blows);
    forgotten((pattern, before), random, &mut blows);
    Ok(blows)
}

/// Blows on the archive and the small files: random ones of them damaged, each of them missing, each folder too.
fn on_files(pattern: &Pattern, random: &mut Rng, blows: &mut Vec<Blow>) {
    let missing = |file: &Path| {
        let must = if is_rebuilt(file) { Must::Serve } else { Must::ServeOrRefuse };
        Blow { file: file.to_owned(), offset: 0, act: Act::Remove, must }
    };
    blows.extend(
        pattern.folders.iter().filter(|folder| folder.starts_with("archive")).map(|one| missing(one)),
    );
    blows.extend(pattern.files.iter().map(|piece| missing(&piece.path)));
    let is_segment = |piece: &Piece| piece.path.extension().is_some_and(|end| end == "seg");
    let others: Vec<_> =
        pattern.files.iter().filter(|piece| !piece.bytes.is_empty() && !is_segment(piece)).collect();
    for number in 0..100 {
        let piece = others[random.usize(0..others.len())];
        let offset = random.usize(0..piece.bytes.len());
        let act = match number % 4 {
            0 => Act::Shorten,
            1 => Act::Block(4096),
            2 => Act::Misplaced(512),
            _ => Act::Flip(1 << random.u8(0..8)),
        };
        blows.push(Blow { file: piece.path.clone(), offset, act, must: Must::ServeOrRefuse });
    }
}

/// What is made anew from the journal when it is missing.
fn is_rebuilt(path: &Path) -> bool {
    path == Path::new("archive") || path.starts_with("archive/history")
}

/// Files and blocks as they were some seconds before: writes that a disk acknowledged and forgot.
fn forgotten((pattern, before): (&Pattern, &Pattern), random: &mut Rng, blows: &mut Vec<Blow>) {
    let mut pairs = Vec::new();
    for piece in &pattern.files {
        let old = before.files.iter().find(|old| old.path == piece.path);
        pairs.extend(old.filter(|old| old.bytes != piece.bytes).map(|old| (piece, old)));
    }
    let must = Must::ServeOrRefuse;
    for (piece, old) in &pairs {
        let act = Act::Old { bytes: old.bytes.clone(), length: old.length };
        blows.push(Blow { file: piece.path.clone(), offset: 0, act, must });
    }
    for number in 0..40 {
        let (piece, old) = pairs[random.usize(0..pairs.len())];
        let size = [512, 4096][number % 2];
        let offset = random.usize(0..piece.bytes.len()) / size * size;
        let end = piece.bytes.len().min(offset + size);
        let byte = |at: usize| old.bytes.get(at).copied().unwrap_or(0);
        let act = Act::Stale((offset..end).map(byte).collect());
        blows.push(Blow { file: piece.path.clone(), offset, act, must });
    }
}

/// Blows on the last frame of a folder, which nobody was told of.
pub(super) fn on_untold(data: &Path, random: &mut Rng) -> anyhow::Result<Vec<Blow>> {
    let Place { file, offset, size, .. } = frames::last(data)?;
    let file = below(data, &file)?;
    let mut blows = Vec::new();
    for number in 0..120 {
        let into = number * size / 120;
        let act = match number % 4 {
            0 => Act::Shorten,
            1 => Act::Scribble(size - into),
            2 => Act::Flip(1 << random.u8(0..8)),
            _ => Act::Zero,
        };
        blows.push(Blow { file: file.clone(), offset: offset + into, act, must: Must::Serve });
    }
    Ok(blows)
}

impl Blow {
    /// Damages the folder.
    pub(super) fn fall(&self, data: &Path) -> anyhow::Result<()> {
        let path = data.join(&self.file);
        if self.act == Act::Remove {
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            return removed.with_context(|| path.display().to_string());
        }
        let file = File::options().read(true).write(true).open(&path)?;
        let length = usize::try_from(file.metadata()?.len())?;
        let at = self.offset as u64;
        let rest = |most: usize| most.min(length.saturating_sub(self.offset));
        match &self.act {
            Act::Remove => {}
            Act::Stale(bytes) => file.write_all_at(bytes, at)?,
            Act::Old { bytes, length } => {
                file.set_len(0)?;
                file.write_all_at(bytes, 0)?;
                file.set_len(*length)?;
            }
            Act::Shorten => file.set_len(at)?,
            Act::Zero => {
                file.set_len(at)?;
                file.set_len(length as u64)?;
            }
            Act::Block(size) => file.write_all_at(&vec![0; rest(*size)], at)?,
            Act::Scribble(size) => {
                let mut bytes = vec![0; rest(*size)];
                Rng::with_seed(at).fill(&mut bytes);
                file.write_all_at(&bytes, at)?;
            }
            Act::Flip(bit) => {
                let mut byte = [0];
                file.read_exact_at(&mut byte, at)?;
                file.write_all_at(&[byte[0] ^ bit], at)?;
            }
            Act::Misplaced(size) => {
                let mut bytes = vec![0; rest(*size)];
                let from = at.saturating_sub(*size as u64);
                let _ = file.read_at(&mut bytes, from)?;
                file.write_all_at(&bytes, at)?;
            }
        }
        Ok(())
    }
}

/// A data folder in memory, without its spares: written out once for each blow.
#[derive(Debug, Default)]
pub(super) struct Pattern {
    folders: Vec<PathBuf>,
    files: Vec<Piece>,
}

/// One file: its bytes up to the last that is not zero, and its length.
#[derive(Debug)]
struct Piece {
    path: PathBuf,
    bytes: Vec<u8>,
    length: u64,
}

impl Pattern {
    /// Reads a folder that nobody has open.
    pub(super) fn of(data: &Path) -> anyhow::Result<Pattern> {
        let mut pattern = Pattern::default();
        pattern.take_in(data, Path::new(""))?;
        Ok(pattern)
    }

    fn take_in(&mut self, data: &Path, below: &Path) -> anyhow::Result<()> {
        self.folders.push(below.to_owned());
        let mut entries = fs::read_dir(data.join(below))?.collect::<Result<Vec<_>, _>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = below.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                self.take_in(data, &path)?;
            } else if !entry.file_name().to_string_lossy().starts_with("spare-") {
                let mut bytes = fs::read(entry.path())?;
                let length = bytes.len() as u64;
                bytes.truncate(used(&bytes));
                self.files.push(Piece { path, bytes, length });
            }
        }
        Ok(())
    }

    /// Writes it out; what is zero at the end of a file is a hole.
    pub(super) fn write(&self, data: &Path) -> anyhow::Result<()> {
        for folder in &self.folders {
            fs::create_dir_all(data.join(folder))?;
        }
        for Piece { path, bytes, length } in &self.files {
            let file = File::create(data.join(path))?;
            file.write_all_at(bytes, 0)?;
            file.set_len(*length)?;
        }
        Ok(())
    }
}

/// Bytes up to the last that is not zero.
fn used(bytes: &[u8]) -> usize {
    const ZEROS: [u8; 4096] = [0; 4096];
    let blocks = bytes.chunks(ZEROS.len()).enumerate().rev();
    let last = blocks.into_iter().find(|(_, block)| **block != ZEROS[..block.len()]);
    last.map_or(0, |(index, block)| {
        index * ZEROS.len() + block.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1)
    })
}

fn below(data: &Path, path: &Path) -> anyhow::Result<PathBuf> {
    Ok(path.strip_prefix(data)?.to_owned())
}
