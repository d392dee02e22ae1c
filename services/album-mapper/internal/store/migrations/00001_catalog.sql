-- +goose Up

-- Jobs as job-status last said they are; revision is the fence.
CREATE TABLE jobs (
    id            TEXT PRIMARY KEY,
    account       TEXT NOT NULL,
    internal_name TEXT NOT NULL,
    name          TEXT NOT NULL,
    status        TEXT NOT NULL,
    locked        BOOLEAN NOT NULL,
    revision      BIGINT NOT NULL
);

-- The files log, one row per subject: what it last said of each path. body is the whole entry, from which the log can be
-- written again.
CREATE TABLE entries (
    subject  TEXT PRIMARY KEY,
    account  TEXT NOT NULL,
    job      TEXT NOT NULL,
    id       TEXT NOT NULL, -- of the folder or photo
    upload   TEXT NOT NULL,
    state    TEXT NOT NULL,
    moved_to TEXT NOT NULL,
    epoch    BIGINT NOT NULL,
    seq      BIGINT NOT NULL,
    body     TEXT NOT NULL
);
CREATE INDEX entries_by_job ON entries (account, job);
CREATE INDEX entries_by_id ON entries (id);
CREATE INDEX entries_by_target ON entries (moved_to) WHERE moved_to <> '';

-- Albums and their sections. epoch and seq are the fence: of the newest entry that says where the folder is.
CREATE TABLE folders (
    id          TEXT PRIMARY KEY,
    account     TEXT NOT NULL,
    job         TEXT NOT NULL,
    parent      TEXT NOT NULL,
    kind        TEXT NOT NULL,
    section     TEXT NOT NULL,
    name        TEXT NOT NULL,
    sort        BYTEA NOT NULL, -- natural order of names
    standing    TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    changed_at  BIGINT NOT NULL,
    changed_by  TEXT NOT NULL,
    job_name    TEXT NOT NULL, -- internal name of the job when the entry was written
    rev         BIGINT NOT NULL,
    subject     TEXT NOT NULL,
    state       TEXT NOT NULL,
    epoch       BIGINT NOT NULL,
    seq         BIGINT NOT NULL,
    until_epoch BIGINT NOT NULL,
    until_seq   BIGINT NOT NULL, -- not 0: gone, but it is not certain yet that it did not move
    told        TEXT NOT NULL    -- what other teams were told
);
CREATE INDEX folders_by_job ON folders (account, job, kind, sort, id);
CREATE INDEX folders_by_subject ON folders (subject);
CREATE INDEX folders_unsettled ON folders (until_seq) WHERE until_seq <> 0;

-- Photos; one row each, whatever happens to them. Facts of the file are in entry, those of the picture in result.
CREATE TABLE photos (
    id              TEXT PRIMARY KEY,
    account         TEXT NOT NULL,
    job             TEXT NOT NULL,
    folder          TEXT NOT NULL,
    name            TEXT NOT NULL,
    sort            BYTEA NOT NULL,
    standing        TEXT NOT NULL,
    state           TEXT NOT NULL, -- of the current version
    version         TEXT NOT NULL,
    bytes           BIGINT NOT NULL,
    sha256          TEXT NOT NULL,
    attempt         BIGINT NOT NULL,
    problem_code    TEXT NOT NULL,
    problem_message TEXT NOT NULL,
    ready_at        BIGINT NOT NULL,
    hidden          BOOLEAN NOT NULL,
    subject         TEXT NOT NULL,
    epoch           BIGINT NOT NULL,
    seq             BIGINT NOT NULL,
    until_epoch     BIGINT NOT NULL,
    until_seq       BIGINT NOT NULL,
    entry           TEXT NOT NULL,
    result          TEXT NOT NULL,
    told            TEXT NOT NULL
);
CREATE INDEX photos_by_folder ON photos (account, job, folder, sort, id);
CREATE INDEX photos_in ON photos (folder);
CREATE INDEX photos_counted ON photos (account, job, folder, standing, state, bytes);
CREATE INDEX photos_by_bytes ON photos (account, job, sha256, id);
CREATE INDEX photos_by_subject ON photos (subject);
CREATE INDEX photos_unsettled ON photos (until_seq) WHERE until_seq <> 0;

-- Every upload ever seen, with its fate, for as long as its object may exist.
CREATE TABLE uploads (
    id      TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    job     TEXT NOT NULL,
    photo   TEXT NOT NULL,
    fate    TEXT NOT NULL, -- staged, landed, superseded or removed
    bytes   BIGINT NOT NULL,
    told    BOOLEAN NOT NULL, -- file.landed was said
    seen_at BIGINT NOT NULL
);
CREATE INDEX uploads_by_photo ON uploads (photo);
CREATE INDEX uploads_by_job ON uploads (account, job);

-- +goose Down
DROP TABLE uploads;
DROP TABLE photos;
DROP TABLE folders;
DROP TABLE entries;
DROP TABLE jobs;
