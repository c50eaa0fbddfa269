//! The partition: see the next commit.
