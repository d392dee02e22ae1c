#!/usr/bin/env bash
# Makes a role and a schema for each service that has tables. PostgreSQL's image runs this once, when the database is new.
set -euo pipefail
cd / # wherever it is run from

role() { # NAME: also of its schema
	# psql itself reads the password from its file, so that it never stands in the list of processes.
	psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname "$POSTGRES_DB" \
		--set role="$1" --set file="${SECRETS:-/run/secrets}/$1-password" <<-'END'
			\set password `cat :'file'`
			CREATE ROLE :"role" LOGIN PASSWORD :'password' CONNECTION LIMIT 60;
			CREATE SCHEMA :"role" AUTHORIZATION :"role";
			GRANT CONNECT ON DATABASE :"DBNAME" TO :"role";
			ALTER ROLE :"role" IN DATABASE :"DBNAME" SET search_path = :"role";
		END
}
psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname "$POSTGRES_DB" <<-'END'
	REVOKE ALL ON DATABASE :"DBNAME" FROM PUBLIC;
	REVOKE ALL ON SCHEMA public FROM PUBLIC;
END
role jobs
role catalog
