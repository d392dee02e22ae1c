-- +goose Up
CREATE TABLE accounts (
    slug       TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    revision   BIGINT NOT NULL, -- grows with every change of a user or job: what watchers poll
    created_at BIGINT NOT NULL  -- all times are Unix milliseconds
);

CREATE TABLE users (
    id                   TEXT PRIMARY KEY,
    account              TEXT NOT NULL REFERENCES accounts (slug),
    email                TEXT NOT NULL,
    email_key            TEXT UNIQUE, -- folded; NULL = no web login
    web_hash             TEXT NOT NULL,
    display_name         TEXT NOT NULL,
    role                 TEXT NOT NULL,
    rights               TEXT NOT NULL, -- separated by spaces
    all_jobs             BOOLEAN NOT NULL,
    active               BOOLEAN NOT NULL,
    sftp_name            TEXT UNIQUE, -- NULL = no SFTP access yet
    sftp_enabled         BOOLEAN NOT NULL,
    sftp_hash            TEXT NOT NULL,
    credentials_revision BIGINT NOT NULL,
    revision             BIGINT NOT NULL,
    created_at           BIGINT NOT NULL
);
CREATE INDEX users_by_account ON users (account, id);

CREATE TABLE ssh_keys (
    user_id     TEXT NOT NULL REFERENCES users (id),
    fingerprint TEXT NOT NULL,
    blob        BYTEA NOT NULL,
    comment     TEXT NOT NULL,
    added_at    BIGINT NOT NULL,
    PRIMARY KEY (user_id, fingerprint)
);

CREATE TABLE jobs (
    id            TEXT PRIMARY KEY,
    account       TEXT NOT NULL REFERENCES accounts (slug),
    internal_name TEXT NOT NULL,
    name_key      TEXT NOT NULL, -- the internal name folded
    name          TEXT NOT NULL,
    search        TEXT NOT NULL, -- both names folded
    status        TEXT NOT NULL,
    locked        BOOLEAN NOT NULL,
    revision      BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    UNIQUE (account, name_key)
);
CREATE INDEX jobs_by_account ON jobs (account, id);

CREATE TABLE assignments (
    job_id  TEXT NOT NULL REFERENCES jobs (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    PRIMARY KEY (job_id, user_id)
);
CREATE INDEX assignments_by_user ON assignments (user_id, job_id);

CREATE TABLE sessions (
    token_hash TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id, created_at);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE audit (
    id             TEXT PRIMARY KEY,
    time           BIGINT NOT NULL,
    account        TEXT NOT NULL,
    user_id        TEXT NOT NULL,
    user_name      TEXT NOT NULL,
    action         TEXT NOT NULL,
    job_id         TEXT NOT NULL,
    client_address TEXT NOT NULL,
    detail         TEXT NOT NULL
);
CREATE INDEX audit_by_account ON audit (account, id);

-- +goose Down
DROP TABLE audit;
DROP TABLE sessions;
DROP TABLE assignments;
DROP TABLE jobs;
DROP TABLE ssh_keys;
DROP TABLE users;
DROP TABLE accounts;
