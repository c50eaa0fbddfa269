//! What is remembered about a shared server between two commands: one small file each, beside its log.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

/// Enough to find the server again.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// 0 while its data is being prepared.
    pub(crate) pid: u32,
    pub(crate) port: u16,
    /// Under the target folder where its account can reach it, elsewhere when not.
    pub(crate) folder: PathBuf,
}

impl Record {
    /// `None`: there is none.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Option<Record>> {
        match fs::read_to_string(path) {
            Ok(text) => Ok(Some(parse(&text).with_context(|| format!("{} is damaged", path.display()))?)),
            Err(fault) if fault.kind() == ErrorKind::NotFound => Ok(None),
            Err(fault) => Err(fault).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let folder = self.folder.to_str().context("a folder's name that is not UTF-8")?;
        let text = format!("{}\n{}\n{folder}\n", self.pid, self.port);
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

fn parse(text: &str) -> anyhow::Result<Record> {
    let lines: Vec<_> = text.lines().collect();
    ensure!(lines.len() == 3, "{} lines in the place of 3", lines.len());
    Ok(Record { pid: lines[0].parse()?, port: lines[1].parse()?, folder: lines[2].into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("redis");
        assert_eq!(Record::read(&path).unwrap(), None);
        let record = Record { pid: 7, port: 20_000, folder: "folder of/redis".into() };
        record.write(&path).unwrap();
        assert_eq!(Record::read(&path).unwrap(), Some(record));
        fs::write(&path, "7\n").unwrap();
        assert!(Record::read(&path).is_err());
    }
}
