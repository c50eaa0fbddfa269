-- The barrier's table, in the same file as the business tables. Running this again changes nothing.
CREATE TABLE IF NOT EXISTS tercet_barrier (
    transaction_id TEXT    NOT NULL,
    branch_id      TEXT    NOT NULL,
    phase          INTEGER NOT NULL,  -- 1: try, action, and the tombstone of an empty cancel; 2: confirm, cancel, compensate, deliver
    operation      TEXT    NOT NULL,  -- which operation took the place
    outcome        TEXT    NOT NULL,  -- done, refused, void
    content        TEXT,              -- half the SHA-256 of the request's body, in hex
    answer         BLOB,              -- the JSON that was answered, at most 64 KiB
    created_at     INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)), -- ms
    PRIMARY KEY (transaction_id, branch_id, phase)
) WITHOUT ROWID;

-- The business table. The checks are the last net: a statement that would overspend fails.
CREATE TABLE IF NOT EXISTS points (
    account   TEXT    PRIMARY KEY,
    available INTEGER NOT NULL CHECK (available >= 0),
    frozen    INTEGER NOT NULL CHECK (frozen >= 0),
    spent     INTEGER NOT NULL CHECK (spent >= 0)
);
INSERT OR IGNORE INTO points VALUES ('A', 1000000, 0, 0), ('B', 500, 0, 0);
