-- Where a project's changes are told. `events` and `environments` are JSON lists; the secret signs what is sent, sealed under the
-- configured secret. After a rotation the secret before it signs as well until `previous_until`.
CREATE TABLE webhooks (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id),
    name TEXT NOT NULL,
    url TEXT NOT NULL,
    events TEXT NOT NULL,
    environments TEXT NOT NULL,
    enabled BIGINT NOT NULL,
    sealed_secret BYTEA NOT NULL,
    sealed_previous BYTEA,
    previous_until BIGINT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX webhooks_by_project ON webhooks (project_id);

-- One row for each change that a webhook is told of, written with the change. `state`: waiting, delivered, failed. Whoever sends it
-- claims it until `claimed_until`; a process that dies leaves the claim to run out.
CREATE TABLE webhook_deliveries (
    id TEXT PRIMARY KEY,
    webhook_id TEXT NOT NULL REFERENCES webhooks (id),
    project_id TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    event TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    not_before BIGINT NOT NULL,
    claimed_until BIGINT NOT NULL,
    last_attempt_at BIGINT,
    last_status BIGINT,
    last_error TEXT,
    last_duration_ms BIGINT,
    created_at BIGINT NOT NULL
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (state, not_before);
CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (webhook_id, created_at);
