CREATE TABLE IF NOT EXISTS tercet_outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id TEXT NOT NULL UNIQUE,
    ordering_key TEXT,
    destination TEXT NOT NULL,
    payload BLOB NOT NULL,
    headers TEXT NOT NULL,
    created_at INTEGER NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000 AS INTEGER)),
    state TEXT NOT NULL DEFAULT 'waiting',
    attempts INTEGER NOT NULL DEFAULT 0,
    last_error TEXT,
    due_at INTEGER NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000 AS INTEGER)),
    lease_by TEXT,
    settled_at INTEGER
);
CREATE INDEX IF NOT EXISTS tercet_outbox_free ON tercet_outbox (due_at, id)
    WHERE state = 'waiting' AND ordering_key IS NULL;
CREATE INDEX IF NOT EXISTS tercet_outbox_keyed ON tercet_outbox (ordering_key, id)
    WHERE state = 'waiting' AND ordering_key IS NOT NULL;
CREATE INDEX IF NOT EXISTS tercet_outbox_dead ON tercet_outbox (ordering_key, id) WHERE state = 'dead';
CREATE INDEX IF NOT EXISTS tercet_outbox_settled ON tercet_outbox (settled_at) WHERE settled_at IS NOT NULL;
