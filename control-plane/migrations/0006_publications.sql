-- What keeps an environment's newest revision from being published: why the last attempt failed, or what is held back until somebody
-- confirms it, and up to which revision somebody did. No row: nothing does.
CREATE TABLE publications (
    environment_id TEXT PRIMARY KEY REFERENCES environments (id),
    revision BIGINT NOT NULL,
    error TEXT NOT NULL,
    -- JSON: the reasons, when it is held back.
    held TEXT,
    since BIGINT NOT NULL,
    last_attempt BIGINT NOT NULL,
    confirmed BIGINT
);
