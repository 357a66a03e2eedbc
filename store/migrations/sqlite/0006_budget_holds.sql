-- Money that runs under way may cost. A row goes with the record of its run, or expires with its process.
--
-- An older program that writes this file sets nothing aside here; it keeps to its own budgets, and harms no row.
CREATE TABLE budget_holds (
    tenant_id  TEXT    NOT NULL,
    owner_id   TEXT    NOT NULL,
    id         BLOB    NOT NULL CHECK (length(id) = 16),
    thread_id  BLOB             CHECK (thread_id IS NULL OR length(thread_id) = 16),
    usd        REAL    NOT NULL CHECK (usd >= 0),
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, owner_id, id)
) STRICT, WITHOUT ROWID;
