-- Values of a few KiB fill pages better in a table with row ids than in one sorted by key. The
-- value comes last, so that listings read no page that holds only a part of it. The order of the
-- columns is not a part of the schema: in files of earlier versions it is another one.
CREATE TABLE entries (
    id         INTEGER PRIMARY KEY,
    key        BLOB    NOT NULL UNIQUE,   -- the four fields, each prefixed with its length
    version    BLOB    NOT NULL CHECK (length(version) = 16),
    keep_until INTEGER CHECK (keep_until >= 0), -- times in milliseconds since 1970
    due        INTEGER CHECK (due >= 0),
    attention  INTEGER NOT NULL CHECK (attention IN (0, 1)),
    value      BLOB    NOT NULL           -- opaque
) STRICT;

-- For listings and sweeps. The row id is the implicit last column of each index.
CREATE INDEX entries_due ON entries (due) WHERE due IS NOT NULL;
CREATE INDEX entries_attention ON entries (attention) WHERE attention = 1;
CREATE INDEX entries_keep_until ON entries (keep_until) WHERE keep_until IS NOT NULL;

-- The last changes, for watchers in other processes. `seq` only grows: the last row stays.
CREATE TABLE changes (
    seq     INTEGER PRIMARY KEY,
    key     BLOB    NOT NULL,
    version BLOB CHECK (length(version) = 16), -- NULL: the entry was removed
    writer  INTEGER NOT NULL               -- random, for each opened store
) STRICT;
