-- The barrier's table, in the same database as the business tables. Created once; running this again changes nothing.
CREATE TABLE IF NOT EXISTS tercet_barrier (
    transaction_id varchar(128) COLLATE "C" NOT NULL,
    branch_id      varchar(128) COLLATE "C" NOT NULL,
    phase          smallint     NOT NULL,  -- 1: try, action, and the tombstone of an empty cancel; 2: confirm, cancel, compensate, deliver
    operation      varchar(10)  NOT NULL,  -- which operation took the place
    outcome        varchar(7)   NOT NULL,  -- done, refused, void
    content        char(32),               -- half the SHA-256 of the request's body, in hex
    answer         bytea,                  -- the JSON that was answered, at most 64 KiB
    created_at     timestamptz  NOT NULL DEFAULT now(),
    PRIMARY KEY (transaction_id, branch_id, phase)
);

-- The business table. The checks are the last net: a statement that would oversell fails.
CREATE TABLE IF NOT EXISTS stock (
    sku       text   PRIMARY KEY,
    available bigint NOT NULL CHECK (available >= 0),
    reserved  bigint NOT NULL CHECK (reserved >= 0),
    sold      bigint NOT NULL CHECK (sold >= 0)
);
INSERT INTO stock VALUES ('A', 1000000, 0, 0), ('B', 10, 0, 0) ON CONFLICT DO NOTHING;
