//! The epoch: a number that grows by one at each opening, durable before the opening returns.
//!
//! Two slots of one sector each are written in turn, so a torn write leaves the other. It must never go back:
//! the frames' own epochs are a second floor. Read next: `file/journal.rs`, which opens it.

use std::io;

use crate::Fault;
use crate::chain::part;
use crate::disk::{self, Disk, DiskFile};

const NAME: &str = "epoch";
const SLOT: usize = 512;

/// Takes the next epoch, above both the file's and `floor`, and makes it durable.
pub(super) fn advance(disk: &dyn Disk, floor: u64) -> Result<u64, Fault> {
    let file = match disk.open(NAME) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => disk.create(NAME),
        other => other,
    };
    let file = file.map_err(disk::fault(disk, "open", NAME))?;
    let epoch = read(file.as_ref()).map_err(disk::fault(disk, "read", NAME))?.max(floor) + 1;
    let slot = encode(epoch);
    let offset = (epoch % 2) * SLOT as u64;
    disk::write_all(file.as_ref(), &slot, offset).map_err(disk::fault(disk, "write", NAME))?;
    file.sync_data().map_err(disk::fault(disk, "sync", NAME))?;
    disk.sync_dir().map_err(disk::fault(disk, "sync the folder of", NAME))?;
    Ok(epoch)
}

fn read(file: &dyn DiskFile) -> io::Result<u64> {
    let mut bytes = [0; 2 * SLOT];
    disk::read_padded(file, &mut bytes, 0)?;
    Ok(decode(&bytes[..SLOT]).max(decode(&bytes[SLOT..])))
}

fn encode(epoch: u64) -> [u8; SLOT] {
    let mut slot = [0; SLOT];
    slot[..8].copy_from_slice(&epoch.to_le_bytes());
    slot[8..12].copy_from_slice(&crc32fast::hash(&epoch.to_le_bytes()).to_le_bytes());
    slot
}

/// A slot that does not match its checksum counts as never written.
fn decode(slot: &[u8]) -> u64 {
    let sum = u32::from_le_bytes(part(slot, 8));
    if crc32fast::hash(&slot[..8]) == sum { u64::from_le_bytes(part(slot, 0)) } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::FakeDisk;

    #[test]
    fn it_grows_and_a_damaged_slot_costs_at_most_one() {
        let disk = FakeDisk::new();
        assert_eq!(advance(&disk, 0).unwrap(), 1);
        assert_eq!(advance(&disk, 0).unwrap(), 2);
        assert_eq!(advance(&disk, 6).unwrap(), 7);
        let mut bytes = disk.bytes(NAME).unwrap();
        bytes[SLOT] ^= 1;
        disk.put(NAME, &bytes);
        assert_eq!(advance(&disk, 0).unwrap(), 3, "the slot of 2 is still whole");
    }

    #[test]
    fn a_power_cut_never_takes_it_back() {
        for seed in 0..50 {
            let disk = FakeDisk::new();
            for expected in 1..5 {
                assert_eq!(advance(&disk, 0).unwrap(), expected);
                disk.crash(seed);
            }
        }
    }
}
