CREATE TABLE IF NOT EXISTS tercet_inbox (
    consumer varchar(128) COLLATE "C" NOT NULL,
    message_id varchar(128) COLLATE "C" NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, message_id)
);
CREATE INDEX IF NOT EXISTS tercet_inbox_age ON tercet_inbox (received_at);
