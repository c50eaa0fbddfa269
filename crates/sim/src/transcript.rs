//! What happened, for a person to read; and a digest of it, by which two runs of a seed are compared.

/// The start of true time: transcripts tell what has passed since.
pub(crate) const BEGINNING: i64 = 1_800_000_000_000_000;

/// Whether lines are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Only their digest.
    Digest,
    /// All of them.
    Lines,
}

/// The transcript of one history.
pub(crate) struct Transcript {
    keep: Keep,
    lines: Vec<String>,
    digest: u64,
}

impl Transcript {
    pub(crate) fn new(keep: Keep) -> Transcript {
        Transcript { keep, lines: Vec::new(), digest: 0xCBF2_9CE4_8422_2325 }
    }

    /// Something happened at `now`: a number that stands for it, and words that are only made when they are kept.
    pub(crate) fn tell(&mut self, now: i64, mark: u64, words: impl FnOnce() -> String) {
        for word in [now.cast_unsigned(), mark] {
            self.digest = (self.digest ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            self.digest ^= self.digest >> 32;
        }
        if self.keep == Keep::Lines {
            let micros = now - BEGINNING;
            let line = format!("{:>5}.{:06} s  {}", micros / 1_000_000, micros % 1_000_000, words());
            self.lines.push(line);
        }
    }

    pub(crate) fn digest(&self) -> u64 {
        self.digest
    }

    pub(crate) fn into_lines(self) -> Vec<String> {
        self.lines
    }
}
