-- Whole answers of tools that somebody may still come for: tasks, answers too long for their client, late ones.

-- With a rowid: a text may be much larger than a page, and the tree of a table without one keeps whole rows in its inner pages.
CREATE TABLE answers (
    tenant_id   TEXT    NOT NULL,
    owner_id    TEXT    NOT NULL,
    id          BLOB    NOT NULL CHECK (length(id) = 16),
    thread_id   BLOB             CHECK (thread_id IS NULL OR length(thread_id) = 16),
    tool        TEXT    NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('working', 'done', 'cancelled', 'interrupted')),
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    deadline_at INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    is_error    INTEGER NOT NULL,
    text        TEXT    NOT NULL,
    PRIMARY KEY (tenant_id, owner_id, id)
) STRICT;

CREATE INDEX answers_of_thread ON answers (tenant_id, owner_id, thread_id, id);
