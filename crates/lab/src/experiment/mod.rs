//! The experiments, one file each. A new one is a file and a line in `ALL`.

mod boundaries;
mod damage;
mod failing;
mod full;
mod kills;
mod power;
mod still;

use crate::report::Outcome;
use crate::run::Broken;
use crate::world::Setup;

/// What an experiment cannot do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    Nothing,
    /// Root, to mount a file system of its own.
    Mounts,
}

/// One experiment.
#[derive(Debug)]
pub(crate) struct Experiment {
    pub(crate) name: &'static str,
    pub(crate) promises: &'static str,
    pub(crate) does: &'static str,
    pub(crate) needs: Needs,
    pub(crate) run: fn(&Setup) -> Result<Outcome, Broken>,
}

/// The longest first.
pub(crate) const ALL: &[Experiment] = &[
    Experiment {
        name: "damage",
        promises: "P3",
        does: "starts damaged copies of a data folder: cuts, flips, blocks, missing files",
        needs: Needs::Nothing,
        run: damage::run,
    },
    Experiment {
        name: "kills",
        promises: "P1 P6 P8 P9 P15 P16",
        does: "kill -9 at random instants under load",
        needs: Needs::Nothing,
        run: kills::run,
    },
    Experiment {
        name: "boundaries",
        promises: "P1 P3 P8 P9 P15 P16",
        does: "kill -9 at a certain system call, the last write torn",
        needs: Needs::Nothing,
        run: boundaries::run,
    },
    Experiment {
        name: "power",
        promises: "P2 P8 P9 P15 P16",
        does: "cuts an ext4 from its disk under load: what was not synced is gone",
        needs: Needs::Mounts,
        run: power::run,
    },
    Experiment {
        name: "failing",
        promises: "P4 P9 P16",
        does: "writes and syncs of the journal that fail from a certain one on",
        needs: Needs::Nothing,
        run: failing::run,
    },
    Experiment {
        name: "full",
        promises: "P1 P5 P9 P16",
        does: "kills while the disk is full",
        needs: Needs::Mounts,
        run: full::run,
    },
    Experiment {
        name: "still",
        promises: "P1 P9 P15 P16",
        does: "a file system that takes no write for two seconds",
        needs: Needs::Mounts,
        run: still::run,
    },
];
