-- Claims of due entries. They are kept apart: a claim writes a few bytes, not the entry.
CREATE TABLE IF NOT EXISTS claims (
    id   INTEGER PRIMARY KEY, -- of the entry
    ends INTEGER NOT NULL     -- in milliseconds since 1970
) STRICT;
CREATE INDEX IF NOT EXISTS claims_ends ON claims (ends);

-- Each write of the entry ends its claim, even that of a version without claims.
CREATE TRIGGER IF NOT EXISTS claims_update AFTER UPDATE ON entries
    BEGIN DELETE FROM claims WHERE id = OLD.id; END;
CREATE TRIGGER IF NOT EXISTS claims_delete AFTER DELETE ON entries
    BEGIN DELETE FROM claims WHERE id = OLD.id; END;
