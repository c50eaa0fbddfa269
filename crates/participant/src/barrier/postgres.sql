CREATE TABLE IF NOT EXISTS tercet_barrier (
    transaction_id varchar(128) COLLATE "C" NOT NULL,
    branch_id varchar(128) COLLATE "C" NOT NULL,
    phase smallint NOT NULL,
    operation varchar(10) NOT NULL,
    outcome varchar(7) NOT NULL,
    content char(32),
    answer bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (transaction_id, branch_id, phase)
)
