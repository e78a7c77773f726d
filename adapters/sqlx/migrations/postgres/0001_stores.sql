-- Times are microseconds since 1970, digests and handles are in hexadecimal, lists are text with blanks.

CREATE TABLE countersign_migrations (number BIGINT PRIMARY KEY, applied BIGINT NOT NULL);

CREATE TABLE countersign_sessions (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    id TEXT NOT NULL UNIQUE,
    subject TEXT NOT NULL,
    generation BIGINT NOT NULL,
    created BIGINT NOT NULL,
    authenticated BIGINT NOT NULL,
    used BIGINT NOT NULL,
    idle BIGINT NOT NULL,
    ends BIGINT NOT NULL,
    address TEXT,
    agent TEXT,
    data TEXT,
    revision BIGINT NOT NULL
);
CREATE INDEX countersign_sessions_by_subject ON countersign_sessions (subject, number);
CREATE INDEX countersign_sessions_by_end ON countersign_sessions (ends);

CREATE TABLE countersign_api_keys (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    id TEXT NOT NULL UNIQUE,
    subject TEXT NOT NULL,
    name TEXT NOT NULL,
    visible TEXT NOT NULL,
    scopes TEXT NOT NULL,
    all_scopes BIGINT NOT NULL,
    created BIGINT NOT NULL,
    ends BIGINT,
    used BIGINT
);
CREATE INDEX countersign_api_keys_by_subject ON countersign_api_keys (subject, number);

-- Up to where everything of a subject is void. Never purged.
CREATE TABLE countersign_floors (subject TEXT PRIMARY KEY, generation BIGINT NOT NULL, revoked_at BIGINT);

CREATE TABLE countersign_families (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    handle TEXT NOT NULL UNIQUE,
    subject TEXT NOT NULL,
    generation BIGINT NOT NULL,
    scopes TEXT NOT NULL,
    all_scopes BIGINT NOT NULL,
    live TEXT NOT NULL,
    spent TEXT,
    created BIGINT NOT NULL,
    used BIGINT NOT NULL,
    ends BIGINT NOT NULL,
    address TEXT,
    agent TEXT
);
CREATE INDEX countersign_families_by_subject ON countersign_families (subject, number);
CREATE INDEX countersign_families_by_end ON countersign_families (ends);

CREATE TABLE countersign_void (handle TEXT PRIMARY KEY, ends BIGINT NOT NULL);
CREATE INDEX countersign_void_by_end ON countersign_void (ends);

-- What may pass once, and has. Both are hashes.
CREATE TABLE countersign_replay (
    scope TEXT NOT NULL,
    nonce TEXT NOT NULL,
    ends BIGINT NOT NULL,
    PRIMARY KEY (scope, nonce)
);
CREATE INDEX countersign_replay_by_end ON countersign_replay (ends);

-- What other copies of the service must forget; without a handle, everything. The counter leaves out no number and outlives the rows.
CREATE TABLE countersign_outbox (number BIGINT PRIMARY KEY, handle TEXT, written BIGINT NOT NULL);
CREATE INDEX countersign_outbox_by_time ON countersign_outbox (written);
CREATE TABLE countersign_outbox_counter (one INTEGER PRIMARY KEY CHECK (one = 1), newest BIGINT NOT NULL);
INSERT INTO countersign_outbox_counter (one, newest) VALUES (1, 0);

INSERT INTO countersign_migrations (number, applied) VALUES (1, CAST(extract(epoch FROM now()) AS BIGINT) * 1000000);
