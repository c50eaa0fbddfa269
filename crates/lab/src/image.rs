//! A file system of our own in a file: made, mounted, cut from its disk, held still, filled, and always unmounted.
//!
//! The cut is the shutdown request of ext4 without flushing its log: nothing that was not synced reaches the image.
//! Rust has no safe call for it, so a `python3` that waits beforehand makes it within a millisecond of being told.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, ensure};
use tempfile::TempDir;

/// `EXT4_IOC_SHUTDOWN` with `EXT4_GOING_FLAGS_NOLOGFLUSH`.
const CUT: &str = "import fcntl,os,struct,sys
fd=os.open(sys.argv[1],os.O_RDONLY)
print('waiting',flush=True)
if sys.stdin.readline():
    fcntl.ioctl(fd,0x8004587d,struct.pack('I',2))
    print('cut',flush=True)
";

pub(crate) struct Image {
    folder: TempDir,
}

fn run(program: &str, words: &[&str]) -> anyhow::Result<()> {
    let output =
        Command::new(program).args(words).output().with_context(|| format!("cannot start {program}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program} {}: {said}", words.join(" "));
    Ok(())
}

impl Image {
    /// Makes and mounts one of so many MiB.
    pub(crate) fn new(mib: u64) -> anyhow::Result<Image> {
        let image = Image { folder: tempfile::tempdir()? };
        let file = image.file();
        File::create(&file)?.set_len(mib << 20)?;
        let made = ["-q", "-F", "-m", "0", "-J", "size=8", "-E", "lazy_itable_init=0,nodiscard", &file];
        run("mkfs.ext4", &made)?;
        fs::create_dir(image.path())?;
        image.mount()?;
        Ok(image)
    }

    fn file(&self) -> String {
        self.folder.path().join("image").display().to_string()
    }

    /// Where it is mounted.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("disk")
    }

    fn at(&self) -> String {
        self.path().display().to_string()
    }

    pub(crate) fn mount(&self) -> anyhow::Result<()> {
        run("mount", &["-o", "loop,noatime", &self.file(), &self.at()])
    }

    /// Fails while something of it is open.
    pub(crate) fn unmount(&self) -> anyhow::Result<()> {
        let mut last = Ok(());
        for _ in 0..50 {
            last = run("umount", &[&self.at()]);
            if last.is_ok() {
                break;
            }
            thread::sleep(Duration::from_millis(20));
        }
        last
    }

    /// Lets nothing more be written until it is let go.
    pub(crate) fn hold_still(&self) -> anyhow::Result<()> {
        run("fsfreeze", &["-f", &self.at()])
    }

    pub(crate) fn let_go(&self) -> anyhow::Result<()> {
        run("fsfreeze", &["-u", &self.at()])
    }

    /// Writes until there is no room; the file to remove.
    pub(crate) fn fill(&self) -> anyhow::Result<PathBuf> {
        let path = self.path().join("filler");
        let mut file = File::create(&path)?;
        for size in [1 << 20, 4096, 512] {
            let zeros = vec![0; size];
            while file.write_all(&zeros).is_ok() {}
        }
        Ok(path)
    }

    /// Somebody who waits for the word to cut.
    pub(crate) fn cutter(&self) -> anyhow::Result<Cutter> {
        let mut child = Command::new("python3")
            .args(["-c", CUT, &self.at()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start python3")?;
        let output = BufReader::new(child.stdout.take().context("no output")?);
        let mut cutter = Cutter { child, output };
        cutter.says("waiting")?;
        Ok(cutter)
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        // Whatever state it is in: nothing may be left mounted.
        let quiet = |program: &str, words: &[&str]| {
            let _ = Command::new(program).args(words).stderr(Stdio::null()).status();
        };
        quiet("fsfreeze", &["-u", &self.at()]);
        quiet("umount", &["-l", &self.at()]);
    }
}

/// A process that waits for the word; dropping it ends it.
pub(crate) struct Cutter {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Cutter {
    /// Cuts now: afterwards nothing reaches the image.
    pub(crate) fn cut(mut self) -> anyhow::Result<()> {
        let mut input = self.child.stdin.take().context("no input")?;
        input.write_all(b"cut\n")?;
        self.says("cut")
    }

    fn says(&mut self, word: &str) -> anyhow::Result<()> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        ensure!(line.trim() == word, "python3 said {line:?} instead of {word}");
        Ok(())
    }
}

impl Drop for Cutter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
