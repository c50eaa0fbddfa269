//! What was decided, waiting to be kept: see the next commit.
