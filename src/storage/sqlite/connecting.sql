-- Version 3: switching off, and erasing what was archived from an account.

-- 1: its practice has switched its way off. Its state is 'disconnected' then, so that nobody who asks for connected accounts
-- has to ask for this too.
ALTER TABLE account ADD COLUMN switched_off INTEGER NOT NULL DEFAULT 0;

-- Which user changed what a practice settles; null where it was the host itself.
ALTER TABLE change_feed ADD COLUMN actor TEXT;

-- The keys that a copy, or a message as it was sent, brought to its message, of 16 octets each. Null in rows of before, of
-- which nobody knows: all of the message's keys count as theirs.
ALTER TABLE copy ADD COLUMN keys BLOB;
ALTER TABLE outgoing ADD COLUMN keys BLOB;
