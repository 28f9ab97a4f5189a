-- Version 1. Times are seconds since 1970 (UTC), digests and keys are octets, lists are JSON arrays; what is compared as text is compared
-- octet by octet, as in every other store. The practice is the first column of every unique key of its rows, and no row
-- points into another practice: tables may be partitioned by it, and guarded by row-level security.

-- Words of the statements that PostgreSQL lacks.

CREATE FUNCTION json_each(list text) RETURNS TABLE (value text)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 10
    AS $$ SELECT json_array_elements_text(list::json) $$;

CREATE FUNCTION unhex(digits text) RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT decode(digits, 'hex') $$;

CREATE FUNCTION instr(hay bytea, needle bytea) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT position(needle IN hay) $$;

CREATE FUNCTION json_extract(document text, path text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT document::json ->> substr(path, 3) $$;

-- Whoever writes for a practice locks its row first: writes of one practice take turns.
CREATE TABLE IF NOT EXISTS turn (
    practice TEXT COLLATE "C" NOT NULL PRIMARY KEY
);

CREATE TABLE account (
    practice        TEXT COLLATE "C" NOT NULL,
    account         TEXT COLLATE "C" NOT NULL,
    "user"          TEXT COLLATE "C" NOT NULL,
    address         TEXT   NOT NULL,
    settings        TEXT   NOT NULL, -- JSON, without secrets
    state           TEXT   NOT NULL CHECK (state IN ('connected', 'disconnected')),
    epoch           BIGINT NOT NULL,
    last_attempt    BIGINT,
    last_success    BIGINT,
    failure         TEXT,
    failure_message TEXT,
    not_before      BIGINT,
    hints           TEXT   NOT NULL,
    policy          BYTEA,
    revision        TEXT   NOT NULL,
    files_copies    BIGINT,
    switched_off    BIGINT NOT NULL DEFAULT 0, -- 1: its practice has switched its way off; its state is 'disconnected' then
    next_due        BIGINT,                    -- null: when it is connected again, or asked for
    requested       BIGINT NOT NULL DEFAULT 0,
    failures        BIGINT NOT NULL DEFAULT 0, -- passes that failed since the last that ended well
    first_pass      BIGINT NOT NULL DEFAULT 1, -- 1: it was never read to the end
    provider        TEXT COLLATE "C" NOT NULL, -- the name of the service it is read from
    PRIMARY KEY (practice, account)
);

-- The latest lease of each account; it is kept when it ends, so that tokens only rise.
CREATE TABLE lease (
    practice   TEXT COLLATE "C" NOT NULL,
    account    TEXT COLLATE "C" NOT NULL,
    token      BIGINT NOT NULL,
    holder     TEXT   NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (practice, account)
);

-- A mailbox's cursor; UID sets as ranges in LEB128.
CREATE TABLE mailbox (
    practice            TEXT COLLATE "C" NOT NULL,
    account             TEXT COLLATE "C" NOT NULL,
    mailbox             BYTEA  NOT NULL,
    uid_validity        BIGINT NOT NULL,
    seen                BYTEA  NOT NULL,
    history             BYTEA,
    status_messages     BIGINT,
    status_uid_next     BIGINT,
    status_uid_validity BIGINT,
    status_mod_seq      BIGINT,
    look_again_at       BIGINT,
    PRIMARY KEY (practice, account, mailbox)
);

CREATE TABLE gap (
    practice TEXT COLLATE "C" NOT NULL,
    account  TEXT COLLATE "C" NOT NULL,
    mailbox  BYTEA  NOT NULL,
    uid      BIGINT NOT NULL,
    reason   TEXT   NOT NULL,
    attempts BIGINT NOT NULL,
    next_try BIGINT NOT NULL,
    PRIMARY KEY (practice, account, mailbox, uid)
);

CREATE TABLE covered_key (
    practice TEXT COLLATE "C" NOT NULL,
    account  TEXT COLLATE "C" NOT NULL,
    key      BYTEA NOT NULL,
    state    TEXT  NOT NULL CHECK (state IN ('covered', 'pending')),
    PRIMARY KEY (practice, account, key)
);

CREATE TABLE octets_read (
    practice TEXT COLLATE "C" NOT NULL,
    account  TEXT COLLATE "C" NOT NULL,
    day      BIGINT NOT NULL, -- days since 1970 (UTC)
    octets   BIGINT NOT NULL,
    PRIMARY KEY (practice, account, day)
);

CREATE TABLE message (
    practice     TEXT COLLATE "C" NOT NULL,
    message      BYTEA  NOT NULL,
    sort_time    BIGINT NOT NULL,
    message_id   TEXT COLLATE "C",
    key_version  BIGINT NOT NULL,
    conversation BYTEA  NOT NULL, -- the identity of its oldest message
    arrival      BIGINT NOT NULL, -- the number of the change by which it was archived
    participants BYTEA  NOT NULL DEFAULT '', -- address keys, Bcc aside, of 16 octets each, ascending
    attachments  BIGINT NOT NULL DEFAULT 0,  -- 1: one of its renditions has attachments
    PRIMARY KEY (practice, message)
);

CREATE INDEX message_of_conversation ON message (practice, conversation, arrival);
CREATE INDEX message_of_message_id ON message (practice, message_id);

CREATE TABLE rendition (
    practice     TEXT COLLATE "C" NOT NULL,
    message      BYTEA  NOT NULL,
    digest       BYTEA  NOT NULL,
    ordinal      BIGINT NOT NULL, -- in the order of arrival, from 0
    date         BIGINT,
    date_offset  BIGINT,          -- minutes east of UTC
    subject      TEXT   NOT NULL,
    text         TEXT   NOT NULL,
    html         TEXT,
    participants TEXT   NOT NULL, -- [[field, local part, domain, name], ...]
    attachments  TEXT   NOT NULL, -- [[name, media type, octets, Content-ID or null], ...]
    in_reply_to  TEXT,
    refs         TEXT   NOT NULL,
    unparsed     TEXT,
    parsed_by    BIGINT NOT NULL,
    automatic    BIGINT NOT NULL DEFAULT 0,
    incomplete   BIGINT NOT NULL DEFAULT 0, -- 1: only its beginning was read
    PRIMARY KEY (practice, message, digest),
    FOREIGN KEY (practice, message) REFERENCES message (practice, message)
);

CREATE TABLE copy (
    practice      TEXT COLLATE "C" NOT NULL,
    account       TEXT COLLATE "C" NOT NULL,
    mailbox       BYTEA  NOT NULL,
    uid_validity  BIGINT NOT NULL,
    uid           BIGINT NOT NULL,
    message       BYTEA  NOT NULL,
    rendition     BYTEA  NOT NULL,
    sha256        BYTEA  NOT NULL,
    size          BIGINT NOT NULL,
    internal_date BIGINT,
    labels        TEXT   NOT NULL, -- [name as spelled on the wire, in hexadecimal digits, ...]
    bcc           TEXT   NOT NULL, -- as participants
    state         TEXT   NOT NULL CHECK (state IN ('present', 'missing', 'gone')),
    missing_since BIGINT,
    keys          BYTEA,           -- the keys that it brought to its message, of 16 octets each
    stored        BYTEA,           -- the name of what is in the blob store; null: sha256
    cuts          TEXT,            -- [[attachment, offset, length, sha256 in hexadecimal digits], ...], or null
    kept          TEXT   NOT NULL DEFAULT 'whole' CHECK (kept IN ('whole', 'without_attachments', 'beginning')),
    authenticity  TEXT   NOT NULL DEFAULT 'unknown' CHECK (authenticity IN ('unknown', 'pass', 'fail')),
    PRIMARY KEY (practice, account, mailbox, uid_validity, uid),
    FOREIGN KEY (practice, message, rendition) REFERENCES rendition (practice, message, digest)
);

CREATE INDEX copy_of_message ON copy (practice, message, rendition);
CREATE INDEX copy_of_octets ON copy (practice, coalesce(stored, sha256));

-- Newest first is this key read backwards.
CREATE TABLE posting (
    practice  TEXT COLLATE "C" NOT NULL,
    key       BYTEA  NOT NULL,
    sort_time BIGINT NOT NULL,
    message   BYTEA  NOT NULL,
    PRIMARY KEY (practice, key, sort_time, message)
);

CREATE INDEX posting_of_message ON posting (practice, message, key);

CREATE TABLE dead_letter (
    practice      TEXT COLLATE "C" NOT NULL,
    account       TEXT COLLATE "C" NOT NULL,
    mailbox       BYTEA  NOT NULL,
    uid_validity  BIGINT NOT NULL,
    uid           BIGINT NOT NULL,
    reason        TEXT   NOT NULL,
    message_id    TEXT,
    sha256        BYTEA,
    size          BIGINT,
    at            BIGINT NOT NULL,
    internal_date BIGINT,
    labels        TEXT   NOT NULL DEFAULT '[]',
    PRIMARY KEY (practice, account, mailbox, uid_validity, uid)
);

CREATE INDEX dead_letter_of_octets ON dead_letter (practice, sha256);

-- The last number given to a change, so that none is given twice.
CREATE TABLE feed (
    practice      TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    last_sequence BIGINT NOT NULL
);

CREATE TABLE change_feed (
    practice TEXT COLLATE "C" NOT NULL,
    sequence BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    account  TEXT,
    kind     TEXT   NOT NULL,
    message  BYTEA,
    failure  TEXT,
    outgoing BYTEA,
    actor    TEXT,
    PRIMARY KEY (practice, sequence)
);

CREATE TABLE blob (
    practice TEXT COLLATE "C" NOT NULL,
    sha256   BYTEA  NOT NULL,
    size     BIGINT NOT NULL,
    body     BIGINT NOT NULL,
    PRIMARY KEY (practice, sha256)
);

CREATE SEQUENCE blob_body;

-- Bodies that have no name yet, and since when.
CREATE TABLE blob_staging (
    practice TEXT COLLATE "C" NOT NULL,
    body     BIGINT NOT NULL DEFAULT nextval('blob_body'),
    since    BIGINT NOT NULL DEFAULT CAST(floor(extract(epoch FROM clock_timestamp())) AS BIGINT),
    PRIMARY KEY (practice, body)
);

-- The octets of a body; a body belongs to one blob of one practice.
CREATE TABLE blob_chunk (
    practice TEXT COLLATE "C" NOT NULL,
    body     BIGINT NOT NULL,
    ordinal  BIGINT NOT NULL,
    octets   BYTEA  NOT NULL,
    PRIMARY KEY (practice, body, ordinal)
);

-- Mail is compressed badly or not at all.
ALTER TABLE blob_chunk ALTER COLUMN octets SET STORAGE EXTERNAL;

CREATE TABLE credential (
    practice    TEXT COLLATE "C" NOT NULL,
    account     TEXT COLLATE "C" NOT NULL,
    field       TEXT COLLATE "C" NOT NULL,
    version     BIGINT NOT NULL,
    octets      BYTEA  NOT NULL, -- sealed
    claim_token BIGINT,
    claim_until BIGINT,
    PRIMARY KEY (practice, account, field)
);

-- Versions and claims are numbered across all records: a number of before a deletion never comes again.
CREATE SEQUENCE credential_version;
CREATE SEQUENCE credential_claim;

-- Intents to send.
CREATE TABLE outgoing (
    practice        TEXT COLLATE "C" NOT NULL,
    id              BYTEA  NOT NULL,
    ordinal         BIGINT NOT NULL, -- in the order in which they were queued, from 1
    author          TEXT COLLATE "C" NOT NULL,
    account         TEXT COLLATE "C", -- by noreply where there is none
    key             TEXT COLLATE "C",
    draft           BYTEA  NOT NULL,
    message         BYTEA  NOT NULL,
    message_id      TEXT COLLATE "C" NOT NULL,
    rendition       BYTEA  NOT NULL,
    sha256          BYTEA  NOT NULL,
    size            BIGINT NOT NULL,
    reverse_path    TEXT   NOT NULL,
    policy          TEXT   NOT NULL CHECK (policy IN ('all_or_none', 'accepted_ones')),
    not_before      BIGINT,
    created_at      BIGINT NOT NULL,
    state           TEXT   NOT NULL
        CHECK (state IN ('queued', 'sending', 'sent', 'refused', 'unknown', 'cancelled')),
    recipients      TEXT   NOT NULL, -- [[field, local part, domain, state, reply, bounce or null], ...]
    attempts        BIGINT NOT NULL,
    next_try        BIGINT,
    held            BIGINT NOT NULL, -- 1: waits for a person, for the database was restored from a backup
    sent_at         BIGINT,
    failure         TEXT,
    failure_message TEXT,
    decide_after    BIGINT,
    filing          TEXT   NOT NULL CHECK (filing IN ('not', 'pending', 'server', 'appended')),
    filed_mailbox   BYTEA,
    filed_validity  BIGINT,
    filed_uid       BIGINT,
    claim_token     BIGINT NOT NULL, -- the latest claim's; tokens only rise
    claim_work      TEXT,            -- null when it has ended
    claim_holder    TEXT,
    claim_until     BIGINT,
    claim_epoch     BIGINT,
    claim_permitted BIGINT NOT NULL DEFAULT 0, -- 1: the message may have left under it
    keys            BYTEA,           -- the keys that it brought to its message as it was sent, of 16 octets each
    PRIMARY KEY (practice, id)
);

CREATE UNIQUE INDEX outgoing_in_order ON outgoing (practice, ordinal);
CREATE UNIQUE INDEX outgoing_of_key ON outgoing (practice, key);
CREATE INDEX outgoing_due ON outgoing (practice, next_try, ordinal);
CREATE INDEX outgoing_of_message ON outgoing (practice, message, ordinal);
CREATE INDEX outgoing_of_message_id ON outgoing (practice, message_id);
CREATE INDEX outgoing_sent ON outgoing (practice, account, sent_at);
CREATE INDEX outgoing_of_octets ON outgoing (practice, sha256);

-- Of which database the outbox is: another one, or another course of its history, is a restored one.
CREATE TABLE incarnation (
    id       BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    identity TEXT   NOT NULL
);

CREATE TABLE practice_settings (
    practice TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    settings TEXT NOT NULL -- JSON, without secrets
);

-- What a message names that others may name too: 'm:' and a Message-ID, or 't:', the account, a line feed and the
-- conversation in its provider's words.
CREATE TABLE link (
    practice TEXT COLLATE "C" NOT NULL,
    link     TEXT COLLATE "C" NOT NULL,
    message  BYTEA NOT NULL,
    PRIMARY KEY (practice, link, message)
);

CREATE INDEX link_of_message ON link (practice, message);

-- Conversations that turned out to be part of another one.
CREATE TABLE conversation_alias (
    practice     TEXT COLLATE "C" NOT NULL,
    alias        BYTEA NOT NULL,
    conversation BYTEA NOT NULL,
    PRIMARY KEY (practice, alias)
);

CREATE INDEX alias_of_conversation ON conversation_alias (practice, conversation);

-- Users who hid a message from their colleagues.
CREATE TABLE hidden (
    practice TEXT COLLATE "C" NOT NULL,
    message  BYTEA NOT NULL,
    "user"   TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (practice, message, "user")
);

-- What a rendition is searched for by; a long one in several pieces. Keys are digests of practice and key.
CREATE TABLE search_piece (
    practice  TEXT COLLATE "C" NOT NULL,
    message   BYTEA    NOT NULL,
    rendition BYTEA    NOT NULL,
    piece     BIGINT   NOT NULL,
    words     tsvector NOT NULL,
    PRIMARY KEY (practice, message, rendition, piece)
);

CREATE INDEX search_piece_words ON search_piece USING gin (words);

-- Made when the first message of a practice is erased: the digests below are of no use without it.
CREATE TABLE practice_secret (
    practice TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    secret   BYTEA NOT NULL -- 32 random octets
);

CREATE TABLE tombstone (
    practice   TEXT COLLATE "C" NOT NULL,
    message    BYTEA  NOT NULL, -- SHA-256 over the secret and the message's key
    message_id BYTEA,           -- SHA-256 over the secret and its Message-ID
    reason     TEXT   NOT NULL,
    at         BIGINT NOT NULL,
    bars       TEXT   NOT NULL CHECK (bars IN ('for_ever', 'until', 'until_client_is_back')),
    until      BIGINT,
    client     TEXT COLLATE "C",
    PRIMARY KEY (practice, message)
);

CREATE INDEX tombstone_of_message_id ON tombstone (practice, message_id, at);
CREATE INDEX tombstone_of_client ON tombstone (practice, client);
CREATE INDEX tombstone_until ON tombstone (practice, until);

-- Clients whose messages were erased until they are back.
CREATE TABLE erased_client (
    practice TEXT COLLATE "C" NOT NULL,
    client   TEXT COLLATE "C" NOT NULL,
    was_away BIGINT NOT NULL CHECK (was_away IN (0, 1)),
    PRIMARY KEY (practice, client)
);

-- Of an intent that was erased: its id and key, so that it is not sent again; when it was sent and by which way, for the limits;
-- and under the secret its message and content, so that its copies are known under another Message-ID too.
CREATE TABLE erased_intent (
    practice  TEXT COLLATE "C" NOT NULL,
    id        BYTEA NOT NULL,
    key       TEXT COLLATE "C",
    account   TEXT COLLATE "C",
    sent_at   BIGINT,
    message   BYTEA NOT NULL,
    rendition BYTEA NOT NULL,
    PRIMARY KEY (practice, id)
);

CREATE UNIQUE INDEX erased_intent_of_key ON erased_intent (practice, key);
CREATE INDEX erased_intent_sent ON erased_intent (practice, account, sent_at);

-- Messages that are no client's any more.
CREATE TABLE unlisted (
    practice TEXT COLLATE "C" NOT NULL,
    message  BYTEA  NOT NULL,
    since    BIGINT NOT NULL,
    PRIMARY KEY (practice, message)
);

-- Octets that nothing named when they were first shown, and has not since, as far as was shown.
CREATE TABLE orphan (
    practice TEXT COLLATE "C" NOT NULL,
    sha256   BYTEA  NOT NULL,
    since    BIGINT NOT NULL,
    PRIMARY KEY (practice, sha256)
);

-- The schedule is asked over all practices: these indexes, and kill switches, are the exception to the practice first.
CREATE INDEX account_due ON account (next_due);
CREATE INDEX lease_living ON lease (expires_at);
CREATE INDEX outgoing_due_anywhere ON outgoing (next_try) WHERE held = 0;

-- Messages that a pass under way leaves to be read.
CREATE TABLE backlog (
    practice  TEXT COLLATE "C" NOT NULL,
    account   TEXT COLLATE "C" NOT NULL,
    mailbox   BYTEA  NOT NULL,
    remaining BIGINT NOT NULL,
    total     BIGINT NOT NULL,
    PRIMARY KEY (practice, account, mailbox)
);

-- Kill switches. An empty name stands for all.
CREATE TABLE pause (
    provider TEXT COLLATE "C" NOT NULL,
    practice TEXT COLLATE "C" NOT NULL,
    account  TEXT COLLATE "C" NOT NULL,
    ends_at  BIGINT, -- null: until it is lifted
    reason   TEXT   NOT NULL,
    PRIMARY KEY (provider, practice, account)
);
