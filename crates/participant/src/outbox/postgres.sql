CREATE TABLE IF NOT EXISTS tercet_outbox (
    id bigserial PRIMARY KEY,
    message_id varchar(128) COLLATE "C" NOT NULL UNIQUE,
    ordering_key varchar(128) COLLATE "C",
    destination varchar(2048) NOT NULL,
    payload bytea NOT NULL,
    headers text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    state varchar(7) COLLATE "C" NOT NULL DEFAULT 'waiting',
    attempts integer NOT NULL DEFAULT 0,
    last_error text,
    due_at timestamptz NOT NULL DEFAULT now(),
    lease_by varchar(160),
    settled_at timestamptz
);
CREATE INDEX IF NOT EXISTS tercet_outbox_free ON tercet_outbox (due_at, id)
    WHERE state = 'waiting' AND ordering_key IS NULL;
CREATE INDEX IF NOT EXISTS tercet_outbox_keyed ON tercet_outbox (ordering_key, id)
    WHERE state = 'waiting' AND ordering_key IS NOT NULL;
CREATE INDEX IF NOT EXISTS tercet_outbox_dead ON tercet_outbox (ordering_key, id) WHERE state = 'dead';
CREATE INDEX IF NOT EXISTS tercet_outbox_settled ON tercet_outbox (settled_at) WHERE settled_at IS NOT NULL;
