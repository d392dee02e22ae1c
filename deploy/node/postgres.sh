#!/usr/bin/env bash
# PostgreSQL for the cluster: no image of it can be made from Go, so Debian's runs on the node itself, and a Service without
# a selector gives it a name in a namespace. It lives as long as the node does.
#
#   postgres.sh start NAMESPACE [NAME]   prints the superuser's URL; the Service is called postgres, or NAME
#   postgres.sh stop | restart           so that a test can take it away
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
dir=$NODE_DIR/postgres
programs=$(compgen -G '/usr/lib/postgresql/*/bin' | sort -V | tail -n 1) || fail "PostgreSQL is missing; install it with: make setup"

# as_postgres: it refuses to be root, and cannot be where only root may.
as_postgres() { on_node setpriv --reuid=postgres --regid=postgres --clear-groups -- env --chdir=/ "$@"; }
control() { as_postgres "$programs/pg_ctl" --pgdata="$dir/data" --log="$dir/log" --wait --timeout=60 "$@" >/dev/null; }

case "${1:-}" in
start)
	namespace=${2:?usage: postgres.sh start NAMESPACE [NAME]} name=${3:-postgres}
	if [ ! -e "$dir/data/PG_VERSION" ]; then
		install -d -o postgres -g postgres -m 700 "$dir"
		od -An -N16 -tx1 /dev/urandom | tr -d ' \n' | install -o postgres -m 600 /dev/stdin "$dir/password"
		as_postgres "$programs/initdb" --pgdata="$dir/data" --encoding=UTF8 --locale=C.UTF-8 --no-sync \
			--auth=scram-sha-256 --username=postgres --pwfile="$dir/password" >"$NODE_DIR/log/initdb" 2>&1 || fail "initdb fails: $(cat "$NODE_DIR/log/initdb")"
		cat >>"$dir/data/postgresql.conf" <<-C
			listen_addresses = '$API_ADDRESS'
			unix_socket_directories = '$dir'
			max_connections = 200
			fsync = off # the node outlives no power cut
		C
		echo "host all all 10.0.0.0/8 scram-sha-256" >>"$dir/data/pg_hba.conf"
	fi
	control status || control start || fail "it does not start: $(tail -n 5 "$dir/log")"
	on_node kubectl apply -f - >/dev/null <<-Y
		apiVersion: v1
		kind: Service
		metadata: {name: $name, namespace: $namespace}
		spec: {ports: [{name: postgres, port: 5432}]}
		---
		apiVersion: discovery.k8s.io/v1
		kind: EndpointSlice
		metadata: {name: $name-node, namespace: $namespace, labels: {kubernetes.io/service-name: $name}}
		addressType: IPv4
		ports: [{name: postgres, port: 5432}]
		endpoints: [{addresses: [$API_ADDRESS]}]
	Y
	echo "postgres://postgres:$(cat "$dir/password")@$name.$namespace:5432/postgres?sslmode=disable"
	;;
stop) control stop --mode=immediate ;;
restart) control restart --mode=fast 2>/dev/null || fail "it does not start: $(tail -n 5 "$dir/log")" ;;
*)
	sed -n 's/^#   //p' "$0" >&2
	exit 2
	;;
esac
