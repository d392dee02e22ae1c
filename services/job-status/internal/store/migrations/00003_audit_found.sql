-- +goose Up
-- Edges write a row per upload: what is asked for one job or one user must not read those of all.
CREATE INDEX audit_by_job ON audit (account, job_id, id);
CREATE INDEX audit_by_user ON audit (account, user_id, id);
CREATE INDEX audit_by_time ON audit (time);

-- +goose Down
DROP INDEX audit_by_time;
DROP INDEX audit_by_user;
DROP INDEX audit_by_job;
