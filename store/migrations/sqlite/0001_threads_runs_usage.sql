-- Threads, their turns and files, runs and usage.
--
-- Every table begins its key with tenant and owner: a row of somebody else cannot be reached by leaving a condition out of a
-- join, and a query of one owner reads one range. Identities are 16-byte blobs, because they stand in every key and index and
-- the text form is more than twice as long. Moments are milliseconds since 1970, UTC.

-- "EXAI": marks the file as ours, so that another program's database is never migrated by mistake.
PRAGMA application_id = 1163411785;

CREATE TABLE threads (
    tenant_id  TEXT    NOT NULL,
    owner_id   TEXT    NOT NULL,
    id         BLOB    NOT NULL CHECK (length(id) = 16),
    tool       TEXT    NOT NULL,
    title      TEXT    NOT NULL,
    turns      INTEGER NOT NULL DEFAULT 0 CHECK (turns >= 0),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, owner_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX threads_by_update ON threads (tenant_id, owner_id, updated_at);

-- With a rowid: a body may be much larger than a page, and the tree of a table without one keeps whole rows in its inner pages.
CREATE TABLE turns (
    tenant_id    TEXT    NOT NULL,
    owner_id     TEXT    NOT NULL,
    thread_id    BLOB    NOT NULL,
    seq          INTEGER NOT NULL CHECK (seq >= 0),
    tool         TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    body_version INTEGER NOT NULL,
    body         TEXT    NOT NULL,
    PRIMARY KEY (tenant_id, owner_id, thread_id, seq),
    FOREIGN KEY (tenant_id, owner_id, thread_id) REFERENCES threads (tenant_id, owner_id, id) ON DELETE CASCADE
) STRICT;

-- Which files a turn named, for questions that start from a file; the turn's body stays the truth about the turn.
CREATE TABLE turn_files (
    tenant_id TEXT    NOT NULL,
    owner_id  TEXT    NOT NULL,
    thread_id BLOB    NOT NULL,
    seq       INTEGER NOT NULL,
    position  INTEGER NOT NULL,
    path      TEXT    NOT NULL,
    hash      TEXT,
    PRIMARY KEY (tenant_id, owner_id, thread_id, seq, position),
    FOREIGN KEY (tenant_id, owner_id, thread_id) REFERENCES threads (tenant_id, owner_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- No foreign key to threads: a consultation may begin before its thread is stored, or without one.
CREATE TABLE runs (
    tenant_id    TEXT    NOT NULL,
    owner_id     TEXT    NOT NULL,
    id           BLOB    NOT NULL CHECK (length(id) = 16),
    thread_id    BLOB    NOT NULL CHECK (length(thread_id) = 16),
    tool         TEXT    NOT NULL,
    request_hash BLOB    NOT NULL CHECK (length(request_hash) = 32),
    provider     TEXT    NOT NULL,
    model        TEXT    NOT NULL,
    state        TEXT    NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled', 'interrupted')),
    started_at   INTEGER NOT NULL,
    deadline_at  INTEGER NOT NULL,
    ended_at     INTEGER,
    outcome      TEXT,
    PRIMARY KEY (tenant_id, owner_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX runs_of_thread ON runs (tenant_id, owner_id, thread_id, id);

-- One row for each finished run. Outlives the run and its thread, so it copies what a bill needs. Run ids begin with their
-- time, so the key serves questions about a span of days too.
CREATE TABLE usage (
    tenant_id           TEXT    NOT NULL,
    owner_id            TEXT    NOT NULL,
    run_id              BLOB    NOT NULL CHECK (length(run_id) = 16),
    day                 TEXT    NOT NULL,
    provider            TEXT    NOT NULL,
    model               TEXT    NOT NULL,
    tool                TEXT    NOT NULL,
    input_tokens        INTEGER NOT NULL,
    output_tokens       INTEGER NOT NULL,
    cached_input_tokens INTEGER NOT NULL,
    reasoning_tokens    INTEGER NOT NULL,
    estimated           INTEGER NOT NULL,
    cost_usd            REAL,
    duration_ms         INTEGER NOT NULL,
    attempts            INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, owner_id, run_id)
) STRICT, WITHOUT ROWID;
