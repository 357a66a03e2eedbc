-- Runs without a thread, what each run's caller and first token were, its attempts, and which versions may use the file.

-- SQLite cannot take a NOT NULL away from a column, so the table is made anew. `source` and `state` are words of a closed list that the
-- program checks; a new word of either needs a higher `min_reader`.
CREATE TABLE runs_of_step_5 (
    tenant_id      TEXT    NOT NULL,
    owner_id       TEXT    NOT NULL,
    id             BLOB    NOT NULL CHECK (length(id) = 16),
    thread_id      BLOB             CHECK (thread_id IS NULL OR length(thread_id) = 16),
    tool           TEXT    NOT NULL,
    request_hash   BLOB    NOT NULL CHECK (length(request_hash) = 32),
    provider       TEXT    NOT NULL,
    model          TEXT    NOT NULL,
    state          TEXT    NOT NULL,
    started_at     INTEGER NOT NULL,
    deadline_at    INTEGER NOT NULL,
    ended_at       INTEGER,
    outcome        TEXT,
    door           TEXT,
    client         TEXT,
    key_id         TEXT,
    source         TEXT    NOT NULL DEFAULT 'fresh',
    first_token_ms INTEGER,
    error_kind     TEXT,
    PRIMARY KEY (tenant_id, owner_id, id)
) STRICT, WITHOUT ROWID;

INSERT INTO runs_of_step_5 (tenant_id, owner_id, id, thread_id, tool, request_hash, provider, model, state, started_at, deadline_at,
    ended_at, outcome)
SELECT tenant_id, owner_id, id, thread_id, tool, request_hash, provider, model, state, started_at, deadline_at, ended_at, outcome
FROM runs;

DROP TABLE runs;

ALTER TABLE runs_of_step_5 RENAME TO runs;

CREATE INDEX runs_of_thread ON runs (tenant_id, owner_id, thread_id, id);

CREATE INDEX runs_of_request ON runs (tenant_id, owner_id, request_hash, id);

-- One row for each request to a provider. The token columns are all NULL when the provider reported none.
CREATE TABLE attempts (
    tenant_id           TEXT    NOT NULL,
    owner_id            TEXT    NOT NULL,
    run_id              BLOB    NOT NULL,
    number              INTEGER NOT NULL CHECK (number > 0),
    provider            TEXT    NOT NULL,
    model               TEXT    NOT NULL,
    started_at          INTEGER NOT NULL,
    ended_at            INTEGER NOT NULL,
    first_token_ms      INTEGER,
    error_kind          TEXT,
    input_tokens        INTEGER,
    output_tokens       INTEGER,
    cached_input_tokens INTEGER,
    reasoning_tokens    INTEGER,
    estimated           INTEGER,
    PRIMARY KEY (tenant_id, owner_id, run_id, number),
    FOREIGN KEY (tenant_id, owner_id, run_id) REFERENCES runs (tenant_id, owner_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- The least step that a program must know to read this file, and to write it. A later step that older programs can live with leaves
-- them as they are; the others raise them. The table has one row.
CREATE TABLE _schema (
    only_row   INTEGER PRIMARY KEY CHECK (only_row = 1),
    min_reader INTEGER NOT NULL,
    min_writer INTEGER NOT NULL CHECK (min_writer >= min_reader)
) STRICT;

INSERT INTO _schema VALUES (1, 5, 5);
