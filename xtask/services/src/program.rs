//! Where a program is: on the path, or where packages put those that are not meant for everybody.

use std::path::{Path, PathBuf};

/// Debian keeps the servers of PostgreSQL in a folder for each version.
const POSTGRES: &str = "/usr/lib/postgresql";

/// Not on everybody's path.
const SYSTEM: &[&str] = &["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// The program's path, if it is installed.
#[must_use]
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(SYSTEM.iter().map(PathBuf::from));
    folders.chain(newest(Path::new(POSTGRES))).map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// `FOLDER/N/bin` of the greatest N.
fn newest(folder: &Path) -> Option<PathBuf> {
    let versions = std::fs::read_dir(folder).ok()?.flatten();
    let numbers = versions.filter_map(|version| version.file_name().to_str()?.parse::<u32>().ok());
    Some(folder.join(numbers.max()?.to_string()).join("bin"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_searched() {
        assert!(find("git").is_some());
        assert_eq!(find("no-such-program-here"), None);
    }

    #[test]
    fn versions_are_numbers() {
        let folder = tempfile::tempdir().unwrap();
        for version in ["9", "15", "common"] {
            std::fs::create_dir(folder.path().join(version)).unwrap();
        }
        assert_eq!(newest(folder.path()), Some(folder.path().join("15/bin")));
        assert_eq!(newest(Path::new("/no/such/folder")), None);
    }
}
