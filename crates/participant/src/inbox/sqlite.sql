CREATE TABLE IF NOT EXISTS tercet_inbox (
    consumer TEXT NOT NULL,
    message_id TEXT NOT NULL,
    received_at INTEGER NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000 AS INTEGER)),
    PRIMARY KEY (consumer, message_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tercet_inbox_age ON tercet_inbox (received_at);
