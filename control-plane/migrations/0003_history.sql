-- Every state that an object has had, one row for each change that wrote or deleted it; the audit entry of that project and sequence
-- says who, when and why. `environment_id` is '' for what is the same in every environment. A deletion has no document. Rows are never
-- changed and outlive their object.
CREATE TABLE versions (
    project_id TEXT NOT NULL REFERENCES projects (id),
    kind TEXT NOT NULL,
    environment_id TEXT NOT NULL,
    key TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    document TEXT,
    archived BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (project_id, kind, environment_id, key, sequence)
);
CREATE INDEX versions_by_sequence ON versions (project_id, sequence);

-- What was there before history was kept: its newest state.
INSERT INTO versions (project_id, kind, environment_id, key, sequence, document, archived)
    SELECT project_id, 'flag', '', key, version, definition, CASE WHEN archived_at IS NULL THEN 0 ELSE 1 END FROM flags;
INSERT INTO versions (project_id, kind, environment_id, key, sequence, document, archived)
    SELECT project_id, 'flag-configuration', environment_id, flag_key, version, configuration, 0 FROM flag_configurations;
INSERT INTO versions (project_id, kind, environment_id, key, sequence, document, archived)
    SELECT project_id, kind, '', key, version, definition, CASE WHEN archived_at IS NULL THEN 0 ELSE 1 END FROM documents;

-- What a change has just written, and what was true at a time.
CREATE INDEX flags_by_version ON flags (project_id, version);
CREATE INDEX flag_configurations_by_version ON flag_configurations (project_id, version);
CREATE INDEX documents_by_version ON documents (project_id, version);
CREATE INDEX audit_log_by_time ON audit_log (project_id, at, sequence);
CREATE INDEX revisions_by_sequence ON revisions (project_id, sequence);
