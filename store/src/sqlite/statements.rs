//! The statements that change something. Binds are plain `?`: each statement of a script goes on where the one before ended.

pub(super) const CREATE_THREAD: &str = "
    INSERT INTO threads (tenant_id, owner_id, id, tool, title, created_at, updated_at, expires_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO NOTHING;";

// The turn goes in only when the thread took it: `changes()` counts the rows of the statement before.
pub(super) const APPEND_TURN: &str = "
    UPDATE threads SET turns = turns + 1, updated_at = ?, expires_at = ?
    WHERE tenant_id = ? AND owner_id = ? AND id = ? AND turns = ? AND turns < ? AND expires_at > ?;
    INSERT INTO turns (tenant_id, owner_id, thread_id, seq, tool, created_at, body_version, body)
    SELECT ?, ?, ?, ?, ?, ?, ?, ? WHERE changes() = 1;";

pub(super) const APPEND_FILES: &str = "
    INSERT INTO turn_files (tenant_id, owner_id, thread_id, seq, position, path, hash)
    SELECT ?, ?, ?, ?, key, value ->> 'path', value ->> 'hash' FROM json_each(?);";

pub(super) const TURNS_OF_THREAD: &str = "
    SELECT turns FROM threads WHERE tenant_id = ? AND owner_id = ? AND id = ? AND expires_at > ?";

// Turns and files go with their thread.
pub(super) const DELETE_THREAD: &str = "
    DELETE FROM runs INDEXED BY runs_of_thread WHERE tenant_id = ? AND owner_id = ? AND thread_id = ?;
    DELETE FROM answers INDEXED BY answers_of_thread WHERE tenant_id = ? AND owner_id = ? AND thread_id = ?;
    DELETE FROM threads WHERE tenant_id = ? AND owner_id = ? AND id = ?;";

pub(super) const KEEP_ANSWER: &str = "
    INSERT INTO answers (tenant_id, owner_id, id, thread_id, tool, state, created_at, updated_at, deadline_at, expires_at,
        is_error, text)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (tenant_id, owner_id, id) DO UPDATE SET thread_id = excluded.thread_id, state = excluded.state,
        updated_at = excluded.updated_at, deadline_at = excluded.deadline_at, expires_at = excluded.expires_at,
        is_error = excluded.is_error, text = excluded.text;";

// Changes nothing when the run is there: its end may have been written first.
pub(super) const START_RUN: &str = "
    INSERT INTO runs (tenant_id, owner_id, id, thread_id, tool, request_hash, provider, model, started_at, deadline_at,
        door, client, key_id, source, state)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO NOTHING;";

// When the start is there already, this is its end. A late answer to a run that was taken for interrupted replaces that end.
pub(super) const RECORD_RUN: &str = "
    INSERT INTO runs (tenant_id, owner_id, id, thread_id, tool, request_hash, provider, model, started_at, deadline_at,
        door, client, key_id, source, state, ended_at, outcome, first_token_ms, error_kind)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (tenant_id, owner_id, id) DO UPDATE SET source = excluded.source, state = excluded.state,
        ended_at = excluded.ended_at, outcome = excluded.outcome, first_token_ms = excluded.first_token_ms,
        error_kind = excluded.error_kind;";

// A thread that was deleted while its run went on takes the answer with it; what the run has cost stays.
pub(super) const FORGET_ORPHAN: &str = "
    UPDATE runs SET thread_id = NULL, outcome = json_set(outcome, '$.text', '')
    WHERE tenant_id = ? AND owner_id = ? AND id = ? AND thread_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM threads
        WHERE threads.tenant_id = runs.tenant_id AND threads.owner_id = runs.owner_id AND threads.id = runs.thread_id);";

// An answer that was given again cost nothing, so it leaves no bill.
pub(super) const USAGE_OF_RUN: &str = "
    INSERT OR REPLACE INTO usage (day, input_tokens, output_tokens, cached_input_tokens, reasoning_tokens, estimated, cost_usd,
        duration_ms, attempts, tenant_id, owner_id, run_id, provider, model, tool)
    SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, tenant_id, owner_id, id, provider, model, tool
    FROM runs WHERE tenant_id = ? AND owner_id = ? AND id = ? AND source = 'fresh';";

pub(super) const ATTEMPT_OF_RUN: &str = "
    INSERT OR REPLACE INTO attempts (tenant_id, owner_id, run_id, number, provider, model, started_at, ended_at, first_token_ms,
        error_kind, input_tokens, output_tokens, cached_input_tokens, reasoning_tokens, estimated)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);";

pub(super) const REMEMBER_FILE: &str = "
    INSERT OR REPLACE INTO files (tenant_id, owner_id, provider, file_id, hash, name, bytes, uploaded_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?);";

pub(super) const FORGET_ANSWERS: &str = "
    INSERT INTO forgotten_answers (tenant_id, owner_id, at) VALUES (?, ?, ?)
    ON CONFLICT (tenant_id, owner_id) DO UPDATE SET at = max(at, excluded.at);";

pub(super) const FORGET_EXPIRED_HOLDS: &str = "
    DELETE FROM budget_holds WHERE expires_at <= ?;";

pub(super) const RELEASE: &str = "
    DELETE FROM budget_holds WHERE tenant_id = ? AND owner_id = ? AND id = ?;";

pub(super) const FORGET_FILE: &str = "
    DELETE FROM files WHERE tenant_id = ? AND owner_id = ? AND provider = ? AND file_id = ?;";
