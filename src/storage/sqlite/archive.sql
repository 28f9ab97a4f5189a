-- Version 4: conversations, what is kept of a copy, who sees what, search.

-- The conversation a message is part of: the identity of its oldest message. Null in rows of before until the store is opened.
ALTER TABLE message ADD COLUMN conversation BLOB;
-- The number of the change by which it was archived; 0 in rows of before.
ALTER TABLE message ADD COLUMN arrival INTEGER NOT NULL DEFAULT 0;
-- The address keys of those who take part in any of its renditions, Bcc aside, of 16 octets each, ascending.
ALTER TABLE message ADD COLUMN participants BLOB NOT NULL DEFAULT x'';
-- 1: one of its renditions has attachments.
ALTER TABLE message ADD COLUMN attachments INTEGER NOT NULL DEFAULT 0;

CREATE INDEX message_of_conversation ON message (practice, conversation, arrival);
CREATE INDEX message_to_join ON message (practice, message) WHERE conversation IS NULL;

-- The keys of a message. Newest first is still the primary key read backwards.
CREATE INDEX posting_of_message ON posting (practice, message, key);

ALTER TABLE rendition ADD COLUMN incomplete INTEGER NOT NULL DEFAULT 0; -- 1: only its beginning was read

ALTER TABLE copy ADD COLUMN stored BLOB; -- the name of what is in the blob store; null: sha256
ALTER TABLE copy ADD COLUMN cuts TEXT;   -- [[attachment, offset, length, sha256 in hexadecimal digits], ...], or null
ALTER TABLE copy ADD COLUMN kept TEXT NOT NULL DEFAULT 'whole'
    CHECK (kept IN ('whole', 'without_attachments', 'beginning'));
ALTER TABLE copy ADD COLUMN authenticity TEXT NOT NULL DEFAULT 'unknown'
    CHECK (authenticity IN ('unknown', 'pass', 'fail'));

-- What a message names that others may name too: 'm:' and a Message-ID, or 't:', the account, a line feed and the
-- conversation in its provider's words.
CREATE TABLE link (
    practice TEXT NOT NULL,
    link     TEXT NOT NULL,
    message  BLOB NOT NULL,
    PRIMARY KEY (practice, link, message)
) STRICT, WITHOUT ROWID;

CREATE INDEX link_of_message ON link (practice, message);

-- Conversations that turned out to be part of another one.
CREATE TABLE conversation_alias (
    practice     TEXT NOT NULL,
    alias        BLOB NOT NULL,
    conversation BLOB NOT NULL,
    PRIMARY KEY (practice, alias)
) STRICT, WITHOUT ROWID;

CREATE INDEX alias_of_conversation ON conversation_alias (practice, conversation);

-- Users who hid a message from their colleagues.
CREATE TABLE hidden (
    practice TEXT NOT NULL,
    message  BLOB NOT NULL,
    user     TEXT NOT NULL,
    PRIMARY KEY (practice, message, user)
) STRICT, WITHOUT ROWID;

-- A row of the full text for each rendition. Their numbers are in the order of their messages' places in time.
CREATE TABLE search_row (
    id        INTEGER NOT NULL PRIMARY KEY,
    practice  TEXT    NOT NULL,
    message   BLOB    NOT NULL,
    rendition BLOB    NOT NULL
) STRICT;

CREATE UNIQUE INDEX search_row_of_rendition ON search_row (practice, message, rendition);

-- Words as they are searched for, of letters and digits only: 'ascii' cuts at spaces and changes none of them. Keys are digests of
-- practice and key. What is indexed is not kept a second time.
CREATE VIRTUAL TABLE search USING fts5 (
    keys, head, body,
    content = '', contentless_delete = 1, tokenize = 'ascii'
);
