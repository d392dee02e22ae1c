-- +goose Up
CREATE TABLE outbox (
    id          TEXT PRIMARY KEY,      -- ULID: the order in which events were added
    event_id    TEXT NOT NULL UNIQUE,  -- saying the same sentence twice is saying it once
    subject     TEXT NOT NULL,
    traceparent TEXT NOT NULL,
    body        BYTEA NOT NULL
);

-- +goose Down
DROP TABLE outbox;
