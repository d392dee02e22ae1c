-- Gives the roles of roles.sql the passwords that are in files. Run it with psql as a superuser; again when a file has changed:
--
--   PASSWORDS=FOLDER psql -X -v ON_ERROR_STOP=1 -d filmgate -f passwords.sql
--
-- The folder, /run/secrets where none is said, has owner-password, jobs-password and catalog-password. psql itself reads them, so
-- that they stand in no list of processes, and the server is told to write none of this into its log.
SET log_statement = none;
SET log_min_duration_statement = -1;
SET log_min_error_statement = panic;

\set owner `cat "${PASSWORDS:-/run/secrets}/owner-password"`
\set jobs `cat "${PASSWORDS:-/run/secrets}/jobs-password"`
\set catalog `cat "${PASSWORDS:-/run/secrets}/catalog-password"`

-- Without a file its role would have no password, and nobody would be told.
SELECT '' IN (:'owner', :'jobs', :'catalog') AS missing \gset
\if :missing
  DO $$ BEGIN RAISE EXCEPTION 'passwords.sql: a file of a password is missing or empty'; END $$;
\endif

ALTER ROLE filmgate_owner PASSWORD :'owner';
ALTER ROLE filmgate_jobs PASSWORD :'jobs';
ALTER ROLE filmgate_catalog PASSWORD :'catalog';
