-- From when on answers may be given again, for an owner who wanted the earlier ones forgotten. Threads and usage keep them.
CREATE TABLE forgotten_answers (
    tenant_id TEXT    NOT NULL,
    owner_id  TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, owner_id)
) STRICT, WITHOUT ROWID;

-- An older answer to a question is looked for when nobody can be asked.
CREATE INDEX runs_of_request ON runs (tenant_id, owner_id, request_hash, id);
