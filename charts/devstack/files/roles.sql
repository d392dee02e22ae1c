-- Filmgate's roles and schemas in a database of its own. Run it once as a superuser, or as a role with CREATEROLE that owns
-- the database, before the first `filmgate provision`; it can be run again:
--
--   psql -v ON_ERROR_STOP=1 -d filmgate -f roles.sql
--
-- It sets no passwords, so that none is in a file or a log: `\password filmgate_jobs` in psql asks for one, passwords.sql beside
-- it takes them from files, and managed servers have ways of their own.
--
--   filmgate_owner    `filmgate provision`: owns both schemas and runs the migrations; no service has it
--   filmgate_jobs     job-status: reads and writes rows of the schema jobs, and nothing else
--   filmgate_catalog  album-mapper: the same in the schema catalog
--
-- FILMGATE_JOBS_DATABASE   = postgres://filmgate_jobs:…@host/filmgate?search_path=jobs        (provision: filmgate_owner)
-- FILMGATE_MAPPER_DATABASE = postgres://filmgate_catalog:…@host/filmgate?search_path=catalog  (provision: filmgate_owner)

DO $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'filmgate_owner') THEN CREATE ROLE filmgate_owner LOGIN; END IF;
  IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'filmgate_jobs') THEN CREATE ROLE filmgate_jobs LOGIN; END IF;
  IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'filmgate_catalog') THEN CREATE ROLE filmgate_catalog LOGIN; END IF;
  -- Nobody else comes in, and nobody makes anything where everybody looks.
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO filmgate_owner, filmgate_jobs, filmgate_catalog', current_database());
END
$$;
REVOKE ALL ON SCHEMA public FROM PUBLIC;

CREATE SCHEMA IF NOT EXISTS jobs;
CREATE SCHEMA IF NOT EXISTS catalog;
ALTER SCHEMA jobs OWNER TO filmgate_owner;
ALTER SCHEMA catalog OWNER TO filmgate_owner;
REVOKE ALL ON SCHEMA jobs, catalog FROM PUBLIC;
GRANT USAGE ON SCHEMA jobs TO filmgate_jobs;
GRANT USAGE ON SCHEMA catalog TO filmgate_catalog;

-- What is there, and what each later migration makes.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA jobs TO filmgate_jobs;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA catalog TO filmgate_catalog;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA jobs TO filmgate_jobs;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA catalog TO filmgate_catalog;
ALTER DEFAULT PRIVILEGES FOR ROLE filmgate_owner IN SCHEMA jobs GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO filmgate_jobs;
ALTER DEFAULT PRIVILEGES FOR ROLE filmgate_owner IN SCHEMA catalog GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO filmgate_catalog;
ALTER DEFAULT PRIVILEGES FOR ROLE filmgate_owner IN SCHEMA jobs GRANT USAGE, SELECT ON SEQUENCES TO filmgate_jobs;
ALTER DEFAULT PRIVILEGES FOR ROLE filmgate_owner IN SCHEMA catalog GRANT USAGE, SELECT ON SEQUENCES TO filmgate_catalog;
