-- People. `email` is kept in lower case. `password` is an Argon2id hash in the PHC form; none until an invitation is accepted.
CREATE TABLE users (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    password TEXT,
    instance_owner BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    disabled_at BIGINT,
    last_sign_in_at BIGINT
);

-- Who belongs to a project. `environments` is JSON, environment id to role: where the role is narrowed to a lower one.
CREATE TABLE members (
    project_id TEXT NOT NULL REFERENCES projects (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    role TEXT NOT NULL,
    environments TEXT NOT NULL DEFAULT '{}',
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (project_id, user_id)
);
CREATE INDEX members_by_user ON members (user_id);

-- Sessions of browsers: only the cookie's SHA-256. A row that is gone is a session that ended.
CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    sha256 BYTEA NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    address TEXT,
    user_agent TEXT
);
CREATE INDEX sessions_by_user ON sessions (user_id);

-- Sign-ins of programs: a family is one sign-in, whose access tokens (JWT) name it. `sha256` is that of its newest refresh token; an older
-- one that comes again was stolen from one of the two who had it, and ends the family.
CREATE TABLE token_families (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    sha256 BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    refreshed_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX token_families_by_user ON token_families (user_id);

-- One-time tokens with which a person chooses a password: only their SHA-256. A user has at most one.
CREATE TABLE invitations (
    user_id TEXT PRIMARY KEY REFERENCES users (id),
    sha256 BYTEA NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

-- A token without a project is one of the instance's owner. One that a user made has never more than that user has.
ALTER TABLE api_tokens ADD COLUMN project_id TEXT REFERENCES projects (id);
ALTER TABLE api_tokens ADD COLUMN role TEXT;
ALTER TABLE api_tokens ADD COLUMN environments TEXT;
ALTER TABLE api_tokens ADD COLUMN made_by_user TEXT REFERENCES users (id);
ALTER TABLE api_tokens ADD COLUMN last_used_at BIGINT;
CREATE INDEX api_tokens_by_project ON api_tokens (project_id);
