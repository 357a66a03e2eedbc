-- Files that were put at a vendor's, so that the same content is not put there twice and everybody removes only their own.

CREATE TABLE files (
    tenant_id   TEXT    NOT NULL,
    owner_id    TEXT    NOT NULL,
    provider    TEXT    NOT NULL,
    file_id     TEXT    NOT NULL,
    hash        TEXT    NOT NULL CHECK (length(hash) = 64),
    name        TEXT    NOT NULL,
    bytes       INTEGER NOT NULL,
    uploaded_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, owner_id, provider, file_id)
) STRICT, WITHOUT ROWID;
