CREATE TABLE IF NOT EXISTS tercet_barrier (
    transaction_id TEXT NOT NULL,
    branch_id TEXT NOT NULL,
    phase INTEGER NOT NULL,
    operation TEXT NOT NULL,
    outcome TEXT NOT NULL,
    content TEXT,
    answer BLOB,
    created_at INTEGER NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000 AS INTEGER)),
    PRIMARY KEY (transaction_id, branch_id, phase)
) WITHOUT ROWID
