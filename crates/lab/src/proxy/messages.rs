//! Where a client's message ends, and which one commits, in the protocols of PostgreSQL and MySQL.
//!
//! Knows as much of them as that takes. A commit is a query whose statements include COMMIT, sent as such or, with
//! PostgreSQL, prepared and then bound.

use std::collections::HashSet;

/// What the client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// PostgreSQL, version 3.
    Postgres,
    /// MySQL and MariaDB, uncompressed.
    MySql,
    /// Anything else: bytes without an end, and no commits.
    Plain,
}

/// One message, whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) bytes: Vec<u8>,
    pub(super) commits: bool,
}

/// What a client has sent, taken apart.
pub(super) struct Messages {
    protocol: Protocol,
    bytes: Vec<u8>,
    /// PostgreSQL: the messages before the first that has a type are over.
    begun: bool,
    /// PostgreSQL: the names of prepared statements that commit.
    prepared: HashSet<Vec<u8>>,
}

/// PostgreSQL: how the body begins of the message after which all have a type.
const STARTUP: &[u8] = &[0, 3];

impl Messages {
    pub(super) fn of(protocol: Protocol) -> Messages {
        Messages { protocol, bytes: Vec::new(), begun: false, prepared: HashSet::new() }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole one.
    pub(super) fn next(&mut self) -> Option<Message> {
        let length = match self.protocol {
            Protocol::Postgres => self.postgres_length()?,
            Protocol::MySql => self.mysql_length()?,
            Protocol::Plain => self.bytes.len(),
        };
        if length == 0 || self.bytes.len() < length {
            return None;
        }
        let bytes: Vec<u8> = self.bytes.drain(..length).collect();
        let commits = match self.protocol {
            Protocol::Postgres => self.postgres_commits(&bytes),
            Protocol::MySql => mysql_commits(&bytes),
            Protocol::Plain => false,
        };
        Some(Message { bytes, commits })
    }

    /// A type, once begun, and a length that counts itself.
    fn postgres_length(&self) -> Option<usize> {
        let kind = usize::from(self.begun);
        let length = self.bytes.get(kind..kind + 4)?;
        Some(kind + u32::from_be_bytes(length.try_into().ok()?) as usize)
    }

    fn postgres_commits(&mut self, message: &[u8]) -> bool {
        if !self.begun {
            // Not so a request for encryption, which the server declines, or to cancel a query.
            self.begun = message.get(4..6) == Some(STARTUP);
            return false;
        }
        let mut strings = message.get(5..).unwrap_or_default().split(|byte| *byte == 0);
        let mut string = || strings.next().unwrap_or_default();
        match message[0] {
            b'Q' => commits(string()),
            b'P' => {
                let name = string().to_vec();
                if commits(string()) {
                    self.prepared.insert(name)
                } else {
                    self.prepared.remove(&name)
                };
                false
            }
            // The portal's name comes first.
            b'B' => {
                string();
                self.prepared.contains(string())
            }
            _ => false,
        }
    }

    /// Three bytes of length, the number in the sequence, the body.
    fn mysql_length(&self) -> Option<usize> {
        let length = self.bytes.get(..4)?;
        Some(4 + u32::from_le_bytes([length[0], length[1], length[2], 0]) as usize)
    }
}

/// A command is the first of its sequence; 3 is a query.
fn mysql_commits(message: &[u8]) -> bool {
    message.get(3..5) == Some(&[0, 3]) && commits(&message[5..])
}

/// Whether one of the statements is COMMIT. Blind to quotes: tests do not write such texts.
fn commits(query: &[u8]) -> bool {
    let first = |statement: &[u8]| {
        let statement = statement.trim_ascii_start();
        let end = statement.iter().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(statement.len());
        statement[..end].eq_ignore_ascii_case(b"commit")
    };
    query.split(|byte| *byte == b';').any(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fed byte by byte: the numbers of the messages that commit, and how many there are.
    fn committing(protocol: Protocol, stream: &[u8]) -> (Vec<usize>, usize) {
        let mut messages = Messages::of(protocol);
        let mut found = Vec::new();
        for byte in stream {
            messages.push(&[*byte]);
            found.extend(std::iter::from_fn(|| messages.next()));
        }
        let bytes: Vec<u8> = found.iter().flat_map(|message| message.bytes.clone()).collect();
        assert_eq!(bytes, stream, "every byte passes");
        let commits = found.iter().enumerate().filter(|(_, message)| message.commits);
        (commits.map(|(index, _)| index).collect(), found.len())
    }

    fn postgres(kind: &[u8], body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        [kind, &length, body].concat()
    }

    #[test]
    fn postgres_commits_by_query() {
        let stream = [
            postgres(b"", &80_877_103_u32.to_be_bytes()),
            postgres(b"", b"\0\x03\0\0user\0tercet\0\0"),
            postgres(b"Q", b"BEGIN\0"),
            postgres(b"Q", b"COMMIT\0"),
            postgres(b"Q", b"SELECT 'commit'\0"),
            postgres(b"Q", b"insert into a values (1); commit;\0"),
            postgres(b"Q", b"committed()\0"),
            postgres(b"X", b""),
        ];
        assert_eq!(committing(Protocol::Postgres, &stream.concat()), (vec![3, 5], 8));
    }

    #[test]
    fn postgres_commits_by_what_it_prepared() {
        let stream = [
            postgres(b"", b"\0\x03\0\0user\0tercet\0\0"),
            postgres(b"P", b"one\0COMMIT\0\0\0"),
            postgres(b"P", b"two\0SELECT 1\0\0\0"),
            postgres(b"B", b"\0two\0\0\0\0\0\0\0"),
            postgres(b"B", b"portal\0one\0\0\0\0\0\0\0"),
            postgres(b"P", b"one\0SELECT 1\0\0\0"),
            postgres(b"B", b"\0one\0\0\0\0\0\0\0"),
        ];
        assert_eq!(committing(Protocol::Postgres, &stream.concat()), (vec![4], 7));
    }

    #[test]
    fn mysql_commits_by_query() {
        let packet =
            |number: u8, body: &[u8]| [&[u8::try_from(body.len()).unwrap(), 0, 0, number], body].concat();
        let stream = [
            // The answer to the greeting looks like a query, and is none.
            packet(1, b"\x03COMMIT"),
            packet(0, b"\x03BEGIN"),
            packet(0, b"\x03commit"),
            packet(0, b"\x16COMMIT"),
            packet(0, b"\x01"),
        ];
        assert_eq!(committing(Protocol::MySql, &stream.concat()), (vec![2], 5));
    }

    #[test]
    fn plain_bytes_never_commit() {
        assert_eq!(committing(Protocol::Plain, b"COMMIT"), (vec![], 6));
    }
}
