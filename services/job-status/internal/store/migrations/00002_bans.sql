-- +goose Up
-- What failed: (network, '') counts an address, ('', user_name) a user name, (network, user_name) both together. One number
-- does it: every failure moves the time at which all are forgiven on by one step.
CREATE TABLE login_failures (
    network     TEXT NOT NULL, -- IPv4 address or IPv6 /64
    user_name   TEXT NOT NULL, -- as strangers type it, small and clipped
    forgiven_at BIGINT NOT NULL,
    account     TEXT NOT NULL, -- of an address: whose users alone were tried; '' = nobody's yet, '*' = several accounts'
    PRIMARY KEY (network, user_name)
);
CREATE INDEX login_failures_by_forgiven_at ON login_failures (forgiven_at);

-- From where users have logged in.
CREATE TABLE login_places (
    user_name TEXT NOT NULL,
    network   TEXT NOT NULL,
    at        BIGINT NOT NULL, -- to the day
    PRIMARY KEY (user_name, network)
);
CREATE INDEX login_places_by_at ON login_places (at);

CREATE TABLE bans (
    network   TEXT PRIMARY KEY,
    since     BIGINT NOT NULL,
    until     BIGINT NOT NULL,
    times     BIGINT NOT NULL,
    user_name TEXT NOT NULL,
    account   TEXT NOT NULL
);
CREATE INDEX bans_by_until ON bans (until);

-- +goose Down
DROP TABLE bans;
DROP TABLE login_places;
DROP TABLE login_failures;
