CREATE TABLE IF NOT EXISTS tercet_barrier (
    transaction_id varchar(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    branch_id varchar(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    phase smallint NOT NULL,
    operation varchar(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    outcome varchar(7) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    content char(32) CHARACTER SET ascii COLLATE ascii_bin,
    answer mediumblob,
    created_at timestamp(6) NOT NULL DEFAULT current_timestamp(6),
    PRIMARY KEY (transaction_id, branch_id, phase)
) ENGINE = InnoDB
