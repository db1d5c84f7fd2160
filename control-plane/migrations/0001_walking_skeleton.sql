-- Facts about this installation: the root's fingerprint, the proof that the configured secret is the right one.
CREATE TABLE instance (
    name TEXT PRIMARY KEY,
    value BYTEA NOT NULL
);

-- `changes` numbers the project's audit log without gaps. Raising it is the first statement of every change, so the row
-- is also the lock that puts the changes of one project in order. `version` is the number of the change that last wrote the row itself.
-- What is deleted stays as a row that nothing but its log still names, under a key that frees its own.
CREATE TABLE projects (
    id TEXT PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    changes BIGINT NOT NULL DEFAULT 0,
    version BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    deleted_at BIGINT
);

-- `revision` counts the changes that this environment's snapshots must show, without gaps.
CREATE TABLE environments (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id),
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    protected BIGINT NOT NULL DEFAULT 0,
    epoch BIGINT NOT NULL,
    revision BIGINT NOT NULL DEFAULT 0,
    position BIGINT NOT NULL DEFAULT 0,
    colour TEXT,
    version BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    deleted_at BIGINT,
    UNIQUE (project_id, key)
);

-- What a flag is, in every environment: name, type, variants, description, tags, whether clients may see it. `name`, `type`, `owner`
-- and `expected_end` repeat what stands in the definition, for lists; `search` is what a search looks into, in lower case.
CREATE TABLE flags (
    project_id TEXT NOT NULL REFERENCES projects (id),
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    owner TEXT NOT NULL,
    expected_end BIGINT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    archived_at BIGINT,
    search TEXT NOT NULL,
    definition TEXT NOT NULL,
    PRIMARY KEY (project_id, key)
);
CREATE INDEX flags_by_name ON flags (project_id, name, key);
CREATE INDEX flags_by_creation ON flags (project_id, created_at, key);
CREATE INDEX flags_by_change ON flags (project_id, updated_at, key);

CREATE TABLE flag_tags (
    project_id TEXT NOT NULL,
    tag TEXT NOT NULL,
    flag_key TEXT NOT NULL,
    PRIMARY KEY (project_id, tag, flag_key),
    FOREIGN KEY (project_id, flag_key) REFERENCES flags (project_id, key)
);
CREATE INDEX flag_tags_by_flag ON flag_tags (project_id, flag_key);

-- What a flag does in one environment: enabled (repeated as a column, for lists), off variant, targets, rules, fallthrough.
CREATE TABLE flag_configurations (
    environment_id TEXT NOT NULL REFERENCES environments (id),
    project_id TEXT NOT NULL,
    flag_key TEXT NOT NULL,
    enabled BIGINT NOT NULL,
    version BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    configuration TEXT NOT NULL,
    PRIMARY KEY (environment_id, flag_key),
    FOREIGN KEY (project_id, flag_key) REFERENCES flags (project_id, key)
);
CREATE INDEX flag_configurations_by_flag ON flag_configurations (project_id, flag_key);

-- What a project keeps beside its flags, one JSON definition each: attributes, segments, layers, holdouts. `search` is what a search
-- looks into, in lower case. What is archived is kept, and is in no snapshot.
CREATE TABLE documents (
    project_id TEXT NOT NULL REFERENCES projects (id),
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    archived_at BIGINT,
    search TEXT NOT NULL,
    definition TEXT NOT NULL,
    PRIMARY KEY (project_id, kind, key)
);

-- SDK keys: only their SHA-256; `prefix` is what a person needs to recognise one. `last_used_at` is to the minute.
CREATE TABLE sdk_keys (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL REFERENCES environments (id),
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    prefix TEXT NOT NULL,
    sha256 BYTEA NOT NULL UNIQUE,
    version BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT,
    last_used_at BIGINT
);
CREATE INDEX sdk_keys_by_environment ON sdk_keys (environment_id);

-- Tokens for the admin API: only their SHA-256.
CREATE TABLE api_tokens (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    prefix TEXT NOT NULL,
    sha256 BYTEA NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT
);

-- Who changed what, when, from where and why. `hash` is over the entry and the hash of the one before it
-- (src/domain/chain.rs), so that an entry that is changed, removed or put elsewhere afterwards shows.
CREATE TABLE audit_log (
    project_id TEXT NOT NULL REFERENCES projects (id),
    sequence BIGINT NOT NULL,
    at BIGINT NOT NULL,
    author TEXT NOT NULL,
    origin TEXT,
    action TEXT NOT NULL,
    environment_id TEXT,
    target TEXT NOT NULL,
    old_value TEXT,
    new_value TEXT,
    comment TEXT,
    hash BYTEA NOT NULL,
    PRIMARY KEY (project_id, sequence)
);
CREATE INDEX audit_log_by_target ON audit_log (project_id, target, sequence);

-- One row for each change that an environment's snapshots must show; the audit entry of that project and sequence says
-- what was changed.
CREATE TABLE revisions (
    environment_id TEXT NOT NULL REFERENCES environments (id),
    revision BIGINT NOT NULL,
    project_id TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    author TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (environment_id, revision),
    FOREIGN KEY (project_id, sequence) REFERENCES audit_log (project_id, sequence)
);

-- Revisions that no published snapshot shows yet.
CREATE TABLE outbox (
    environment_id TEXT NOT NULL REFERENCES environments (id),
    revision BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (environment_id, revision)
);

CREATE TABLE keysets (
    number BIGINT PRIMARY KEY,
    bytes BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);

-- Ed25519 seeds, sealed with XChaCha20-Poly1305 under the configured secret.
CREATE TABLE signing_keys (
    id TEXT PRIMARY KEY,
    public_key BYTEA NOT NULL,
    sealed_seed BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    retired_at BIGINT
);

-- Snapshot bodies, named by their hash, never changed.
CREATE TABLE bodies (
    sha256 BYTEA PRIMARY KEY,
    bytes BYTEA NOT NULL,
    first_seen BIGINT NOT NULL
);

-- Every signed head. The newest of an environment and kind is the one with the highest (epoch, version, created).
CREATE TABLE snapshots (
    environment_id TEXT NOT NULL REFERENCES environments (id),
    kind TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created BIGINT NOT NULL,
    head BYTEA NOT NULL,
    body_sha256 BYTEA NOT NULL REFERENCES bodies (sha256),
    PRIMARY KEY (environment_id, kind, epoch, version, created)
);
CREATE INDEX snapshots_by_body ON snapshots (body_sha256);

-- The last word from each edge that snapshots are pushed to. Push keys stay in the configuration, never here.
CREATE TABLE edges (
    url TEXT NOT NULL,
    environment_id TEXT NOT NULL REFERENCES environments (id),
    kind TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    version BIGINT NOT NULL,
    last_error TEXT,
    last_attempt BIGINT NOT NULL,
    last_success BIGINT,
    PRIMARY KEY (url, environment_id, kind)
);
