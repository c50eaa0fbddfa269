CREATE TABLE IF NOT EXISTS tercet_inbox (
    consumer varchar(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    message_id varchar(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    received_at timestamp(6) NOT NULL DEFAULT current_timestamp(6),
    PRIMARY KEY (consumer, message_id),
    KEY tercet_inbox_age (received_at)
) ENGINE = InnoDB
