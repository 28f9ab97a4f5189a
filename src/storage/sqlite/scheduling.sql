-- Version 6: the schedule.

-- When it is read next; null: when it is connected again, or asked for. What was there before is due at once.
ALTER TABLE account ADD COLUMN next_due INTEGER DEFAULT 0;
ALTER TABLE account ADD COLUMN requested INTEGER NOT NULL DEFAULT 0;
-- Passes that failed since the last that ended well.
ALTER TABLE account ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
-- 1: it was never read to the end.
ALTER TABLE account ADD COLUMN first_pass INTEGER NOT NULL DEFAULT 1;
-- The name of the service it is read from; taken up from its settings where it is empty.
ALTER TABLE account ADD COLUMN provider TEXT NOT NULL DEFAULT '';
UPDATE account SET first_pass = 0 WHERE last_success IS NOT NULL;

CREATE INDEX account_due ON account (next_due);
CREATE INDEX account_to_take_up ON account (provider) WHERE provider = '';
CREATE INDEX lease_living ON lease (expires_at);
CREATE INDEX outgoing_due_anywhere ON outgoing (next_try) WHERE held = 0;

-- Messages that a pass under way leaves to be read.
CREATE TABLE backlog (
    practice  TEXT    NOT NULL,
    account   TEXT    NOT NULL,
    mailbox   BLOB    NOT NULL,
    remaining INTEGER NOT NULL,
    total     INTEGER NOT NULL,
    PRIMARY KEY (practice, account, mailbox)
) STRICT, WITHOUT ROWID;

-- Kill switches. An empty name stands for all.
CREATE TABLE pause (
    provider TEXT    NOT NULL,
    practice TEXT    NOT NULL,
    account  TEXT    NOT NULL,
    ends_at  INTEGER, -- null: until it is lifted
    reason   TEXT    NOT NULL,
    PRIMARY KEY (provider, practice, account)
) STRICT, WITHOUT ROWID;
