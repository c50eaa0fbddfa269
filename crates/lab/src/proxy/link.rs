//! One connection through the proxy: a thread for what the client asks, one for what the server answers.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};

use super::messages::Messages;
use super::{Cut, Shared};

/// Bytes read at once.
const CHUNK: usize = 16 * 1024;

/// Both ends.
pub(super) struct Link {
    client: TcpStream,
    server: TcpStream,
    /// The next answer is that of a commit, and nobody is to see it.
    doomed: AtomicBool,
}

impl Link {
    pub(super) fn new(client: TcpStream, server: TcpStream) -> Link {
        for stream in [&client, &server] {
            // What was waited for is small; that it fails costs time only.
            let _ = stream.set_nodelay(true);
        }
        Link { client, server, doomed: AtomicBool::new(false) }
    }

    /// To both ends at once.
    pub(super) fn cut(&self) {
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Both);
    }

    /// From the client to the server, message by message.
    pub(super) fn pass_questions(&self, shared: &Shared) {
        let mut messages = Messages::of(shared.protocol);
        let mut chunk = vec![0; CHUNK];
        while let Some(read) = some(&self.client, &mut chunk) {
            messages.push(&chunk[..read]);
            while let Some(message) = messages.next() {
                let cut = if message.commits { shared.judge_commit() } else { Cut::Never };
                match cut {
                    Cut::BeforeCommit | Cut::Always => {
                        shared.count_cut();
                        return self.cut();
                    }
                    Cut::AfterCommit => self.doomed.store(true, Ordering::Release),
                    Cut::Never => {}
                }
                if (&self.server).write_all(&message.bytes).is_err() {
                    return self.cut();
                }
            }
        }
        // The server may still have something to say.
        let _ = self.server.shutdown(Shutdown::Write);
    }

    /// From the server to the client, as it comes.
    pub(super) fn pass_answers(&self, shared: &Shared) {
        let mut chunk = vec![0; CHUNK];
        while let Some(read) = some(&self.server, &mut chunk) {
            if self.doomed.load(Ordering::Acquire) {
                shared.count_cut();
                break;
            }
            if (&self.client).write_all(&chunk[..read]).is_err() {
                break;
            }
        }
        self.cut();
    }
}

/// `None`: the end, or a fault.
fn some(mut stream: &TcpStream, chunk: &mut [u8]) -> Option<usize> {
    stream.read(chunk).ok().filter(|read| *read > 0)
}
