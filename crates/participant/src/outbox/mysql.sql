CREATE TABLE IF NOT EXISTS tercet_outbox (
    id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
    message_id varchar(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL UNIQUE,
    ordering_key varchar(128) CHARACTER SET ascii COLLATE ascii_bin,
    destination varchar(2048) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    payload mediumblob NOT NULL,
    headers text CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    created_at timestamp(6) NOT NULL DEFAULT current_timestamp(6),
    state varchar(7) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'waiting',
    attempts int NOT NULL DEFAULT 0,
    last_error text CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    due_at timestamp(6) NOT NULL DEFAULT current_timestamp(6),
    lease_by varchar(160) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    settled_at timestamp(6) NULL,
    KEY tercet_outbox_free (state, ordering_key, due_at, id),
    KEY tercet_outbox_keyed (state, ordering_key, id),
    KEY tercet_outbox_settled (settled_at)
) ENGINE = InnoDB
