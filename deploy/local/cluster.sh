#!/usr/bin/env bash
# Runs Filmgate in the shape of production as plain processes on this machine: three NATS servers, MinIO, PostgreSQL, two of
# every service, and a balancer before the edges and the studios. README.md beside this file says more.
set -euo pipefail
umask 077

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
self=$root/deploy/local/cluster.sh
data=${FILMGATE_CLUSTER_DATA:-$root/filmgate-cluster}
bin=${FILMGATE_CLUSTER_BIN:-$root/.bin}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/filmgate
here=127.0.0.1
nats_nodes=3
patience=120 # seconds that a part may take to be up on a busy machine

usage() {
	cat <<-'END'
		cluster.sh start [PART...]   start everything, or parts that were stopped; the first time it makes passwords, ports and folders
		cluster.sh stop [PART...]    stop everything, or parts, in order: running uploads may finish
		cluster.sh kill PART...      kill -9, to see what happens
		cluster.sh status            who runs, and is ready
		cluster.sh env               what a shell needs to talk to it: eval "$(deploy/local/cluster.sh env)"
		cluster.sh logs [PART...]    follow the logs

		Parts: nats-1 nats-2 nats-3 minio postgres job-status-N album-mapper-N processing-N studio-N sftp-edge-N balancer
		Settings: FILMGATE_CLUSTER_DATA (folder of everything it keeps; default ./filmgate-cluster),
		FILMGATE_CLUSTER_BIN (where the binaries are built; default ./.bin), FILMGATE_CLUSTER_REPLICAS (of each service; default 2),
		and any setting of a service, such as FILMGATE_LOG_LEVEL: it is passed on.
	END
}

die() {
	printf 'cluster: %s\n' "$*" >&2
	exit 1
}
say() { printf 'cluster: %s\n' "$*" >&2; }

# ---- what is needed ----

need() { # command, Debian's package
	command -v "$1" >/dev/null || missing+=("$2")
}

postgres_bin() { compgen -G '/usr/lib/postgresql/*/bin' | sort -V | tail -1; }

check_machine() {
	local missing=()
	need curl curl
	need haproxy haproxy
	need flock util-linux
	need setpriv util-linux
	need go golang
	need openssl openssl
	[ -n "$(postgres_bin)" ] || missing+=(postgresql)
	[ ${#missing[@]} -eq 0 ] || die "this machine lacks: ${missing[*]} (names of Debian's packages). Run \`make setup\`, or install them."
	mkdir -p "$data"/{run,logs,secrets,nats}
	chmod 711 "$data"
	if ! "${as_postgres[@]}" test -x "$data"; then
		die "the user $postgres_user, as whom PostgreSQL runs here, cannot enter $(dirname "$data"): set FILMGATE_CLUSTER_DATA to a folder elsewhere, such as /var/tmp/filmgate-cluster"
	fi
}

build() {
	nats=$cache/nats-server-$(cd "$root/pkg" && GOWORK=off go list -m -f '{{.Version}}' github.com/nats-io/nats-server/v2)/nats-server
	if [ ! -x "$nats" ]; then
		say "building nats-server, once"
		(cd "$root/pkg" && GOWORK=off CGO_ENABLED=0 go build -o "$nats" github.com/nats-io/nats-server/v2)
	fi
	minio=$(make -s -C "$root" minio-path)
	[ -x "$minio" ] || make -s -C "$root" "$minio" >&2
	mkdir -p "$bin"
	local service
	for service in sftp-edge job-status album-mapper processing studio; do
		(cd "$root" && CGO_ENABLED=0 go build -o "$bin/$service" "./services/$service/cmd/$service")
	done
	(cd "$root" && CGO_ENABLED=0 go build -o "$bin/filmgate" ./services/all-in-one)
	printf 'nats=%q\nminio=%q\n' "$nats" "$minio" >"$data/run/programs"
}

# ---- ports and passwords, made once ----

# port NAME answers the port of a name. Below 32768 no connection of our own takes one by chance.
port() ( # parts start at the same time, and ask at the same time
	exec 9>>"$data/run/ports.lock"
	flock 9
	local p
	p=$(sed -n "s/^$1=//p" "$data/run/ports" 2>/dev/null)
	while [ -z "$p" ]; do
		p=$((20000 + RANDOM % 12000))
		if grep -q "=$p\$" "$data/run/ports" 2>/dev/null || (exec 3<>"/dev/tcp/$here/$p") 2>/dev/null; then
			p=
		else
			echo "$1=$p" >>"$data/run/ports"
		fi
	done
	echo "$p"
)

# secret NAME makes a password and answers it. It is kept in a file of that name, which only we can read.
secret() {
	local file=$data/secrets/$1
	# It begins with a letter: nats-server reads its variables as configuration, and takes anything else for a number.
	[ -s "$file" ] || { printf p && head -c 24 /dev/urandom | base64 -w0 | tr '/+' '_-'; } >"$file"
	cat "$file"
}

# keep NAME TEXT puts what holds a password where a setting …_FILE can name it.
keep() { printf '%s' "$2" >"$data/secrets/$1"; }

list() { # NAME HOST-PREFIX COUNT: "prefix:port" of each, by commas
	local i all=
	for i in $(seq "$3"); do all+=${all:+,}$2$(port "$1-$i$4"); done
	echo "$all"
}

database() { # ROLE SCHEMA: its address, for a role of deploy/postgres/roles.sql
	echo "postgres://filmgate_$1:$(secret "$1-password")@$here:$(port postgres)/filmgate?search_path=$2&sslmode=disable"
}

prepare() {
	local name
	for name in operator-token service-token routes-password s3-secret postgres owner-password jobs-password catalog-password; do secret "$name" >/dev/null; done
	for name in $nats_users; do keep "nats-url-$name" "$(list nats "nats://$name:$(secret "nats-password-$name")@$here:" $nats_nodes "")"; done
	for name in jobs catalog; do
		keep "$name-database" "$(database "$name" "$name")"
		keep "$name-owner-database" "$(database owner "$name")" # provision's
	done
	printf 'filmgate' >"$data/secrets/s3-access"
	for name in $(parts); do port "$name" >/dev/null; done
	for name in $services provision operator; do certify "$name"; done
	write_nats
	write_balancer
}

# certify NAME makes the certificate that a service shows, of an authority of this cluster's own.
certify() {
	local s=$data/secrets
	if [ ! -s "$s/ca.pem" ]; then
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj '/CN=Filmgate local cluster' \
			-keyout "$s/ca.key" -out "$s/ca.pem" 2>>"$data/logs/certificates.log"
	fi
	[ ! -s "$s/$1.pem" ] || return 0
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" -keyout "$s/$1.key" 2>>"$data/logs/certificates.log" |
		openssl x509 -req -days 3650 -CA "$s/ca.pem" -CAkey "$s/ca.key" -CAcreateserial -out "$s/$1.pem" 2>>"$data/logs/certificates.log" \
			-extfile <(printf 'subjectAltName=DNS:%s,IP:%s\nextendedKeyUsage=serverAuth,clientAuth\nkeyUsage=digitalSignature\n' "$1" "$here")
}

# Each service is a NATS user of its own. deploy/nats/passwords.conf says what each may do, and takes the passwords from the
# environment; where it is not there, all may do everything.
nats_users="sftp-edge job-status album-mapper processing studio provision restore smoke listener"

nats_password() { # USER: the variable that has its password
	local name=FILMGATE_NATS_PASSWORD_${1^^}
	echo "${name//-/_}"
}

write_nats() {
	local i name
	if ! cp "$root/deploy/nats/passwords.conf" "$data/nats/users.conf" 2>/dev/null; then
		{
			echo 'accounts { FILMGATE { jetstream: enabled, users: ['
			for name in $nats_users; do echo "  { user: \"$name\", password: \$$(nats_password "$name") }"; done
			echo '] } }'
		} >"$data/nats/users.conf"
	fi
	for i in $(seq $nats_nodes); do
		cat >"$data/nats/nats-$i.conf" <<-END
			server_name: nats-$i
			listen: "$here:$(port "nats-$i")"
			http: "$here:$(port "nats-$i-http")"
			jetstream { store_dir: "$data/nats/nats-$i", sync_interval: always, max_file_store: 20GB }
			cluster {
			  name: filmgate
			  listen: "$here:$(port "nats-$i-route")"
			  authorization { user: routes, password: "$(secret routes-password)" }
			  routes: [$(list nats "nats://routes:$(secret routes-password)@$here:" $nats_nodes -route)]
			}
			include users.conf
		END
	done
}

write_balancer() {
	local i
	{
		cat <<-END
			global
			  maxconn 4096
			  log stdout format raw local0 notice
			defaults
			  log global
			  timeout connect 5s
			  timeout client 2h
			  timeout server 2h
			  retries 3
			  option redispatch
			  default-server check inter 500ms fall 2 rise 1
			# Photographers: the edges say whom a connection comes from, because the balancer tells them.
			listen sftp
			  mode tcp
			  bind $here:$(port sftp)
			  balance leastconn
			  option httpchk GET /readyz
		END
		for i in $(seq "$(replicas sftp-edge)"); do
			echo "  server sftp-edge-$i $here:$(port "sftp-edge-$i") send-proxy-v2 port $(port "sftp-edge-$i-http")"
		done
		cat <<-END
			listen pages
			  mode http
			  bind $here:$(port pages)
			  balance leastconn
			  option forwardfor
			  option httpchk GET /readyz
		END
		for i in $(seq "$(replicas studio)"); do echo "  server studio-$i $here:$(port "studio-$i") port $(port "studio-$i-http")"; done
	} >"$data/run/balancer.cfg"
}

# ---- the parts ----

services="job-status album-mapper processing studio sftp-edge"

replicas() { # of a service; PostgreSQL and MinIO are one each
	local own=FILMGATE_CLUSTER_${1^^}
	own=${own//-/_}
	echo "${!own:-${FILMGATE_CLUSTER_REPLICAS:-2}}"
}

parts() { # all, in the order of starting
	local i service
	for i in $(seq $nats_nodes); do echo "nats-$i"; done
	echo minio
	echo postgres
	for service in $services; do
		for i in $(seq "$(replicas "$service")"); do echo "$service-$i"; done
	done
	echo balancer
}

# PostgreSQL refuses to run as root: everything of it is done as another user then.
as_postgres=()
postgres_user=$(id -un)
if [ "$(id -u)" -eq 0 ]; then
	postgres_user=$(id -un postgres 2>/dev/null || echo nobody)
	as_postgres=(setpriv "--reuid=$(id -u "$postgres_user")" "--regid=$(id -g "$postgres_user")" --clear-groups --)
fi

# settings PART prints the environment of a service, NAME=VALUE. What is secret is named as a file.
settings() {
	local s=$data/secrets
	cat <<-END
		FILMGATE_NATS_URL_FILE=$s/nats-url-${1%-[0-9]*}
		FILMGATE_S3_ENDPOINT=$here:$(port minio)
		FILMGATE_S3_TLS=false
		FILMGATE_S3_ACCESS_KEY_FILE=$s/s3-access
		FILMGATE_S3_SECRET_KEY_FILE=$s/s3-secret
		FILMGATE_INSTALLATION=local
		FILMGATE_SERVICE_TOKEN_FILE=$s/service-token
		FILMGATE_JOB_STATUS=$(list job-status "$here:" "$(replicas job-status)" -grpc)
		FILMGATE_TLS_CERT_PATH=$s/${1%-[0-9]*}.pem
		FILMGATE_TLS_KEY_PATH=$s/${1%-[0-9]*}.key
		FILMGATE_TLS_CA_PATH=$s/ca.pem
	END
	case $1 in
	job-status-*) cat <<-END ;;
		FILMGATE_JOBS_DATABASE_FILE=$s/jobs-database
		FILMGATE_OPERATOR_TOKEN_FILE=$s/operator-token
		FILMGATE_JOBS_GRPC=$here:$(port "$1-grpc")
		FILMGATE_JOBS_HTTP=$here:$(port "$1-http")
	END
	album-mapper-*) cat <<-END ;;
		FILMGATE_MAPPER_DATABASE_FILE=$s/catalog-database
		FILMGATE_STUDIO_URL=http://$here:$(port pages)
		FILMGATE_MAPPER_GRPC=$here:$(port "$1-grpc")
		FILMGATE_MAPPER_HTTP=$here:$(port "$1-http")
	END
	processing-*) cat <<-END ;;
		FILMGATE_PROCESSING_HTTP=$here:$(port "$1-http")
	END
	studio-*) cat <<-END ;;
		FILMGATE_ALBUM_MAPPER=$(list album-mapper "$here:" "$(replicas album-mapper)" -grpc)
		FILMGATE_STUDIO_ADDR=$here:$(port "$1")
		FILMGATE_STUDIO_HTTP=$here:$(port "$1-http")
		FILMGATE_STUDIO_URL=http://$here:$(port pages)
		FILMGATE_STUDIO_PROXIES=$here/32
		FILMGATE_SFTP_PUBLIC_ADDR=$here:$(port sftp)
	END
	sftp-edge-*) cat <<-END ;;
		FILMGATE_SFTP_ADDRESS=$here:$(port "$1")
		FILMGATE_SFTP_HTTP=$here:$(port "$1-http")
		FILMGATE_SFTP_HOST_KEYS=$data/hostkeys
		FILMGATE_SFTP_PROXY_FROM=$here/32
	END
	esac
}

# become PART turns this process into the part.
become() {
	# shellcheck source=/dev/null
	. "$data/run/programs"
	cd "$data"
	case $1 in
	nats-*)
		local name
		for name in $nats_users; do export "$(nats_password "$name")=$(secret "nats-password-$name")"; done
		exec "$nats" -c "$data/nats/$1.conf"
		;;
	minio)
		MINIO_ROOT_USER=$(cat "$data/secrets/s3-access") MINIO_ROOT_PASSWORD=$(secret s3-secret) MINIO_BROWSER=off MINIO_UPDATE=off HOME=$data \
			exec "$minio" server --quiet --address "$here:$(port minio)" --console-address "$here:$(port minio-console)" "$data/minio"
		;;
	postgres)
		exec "${as_postgres[@]}" "$(postgres_bin)/postgres" -D "$data/postgres/db" -p "$(port postgres)" -c listen_addresses=$here -c unix_socket_directories= -c max_connections=200
		;;
	balancer) exec haproxy -db -f "$data/run/balancer.cfg" ;;
	*)
		local environment
		mapfile -t environment < <(settings "$1")
		exec env "${environment[@]}" "$bin/${1%-*}"
		;;
	esac
}

# ready PART reports whether a part does its work.
ready() {
	case $1 in
	nats-*) get "$(port "$1-http")/healthz" ;;
	minio) get "$(port minio)/minio/health/ready" ;;
	postgres) "$(postgres_bin)/pg_isready" -q -h $here -p "$(port postgres)" ;;
	balancer) (exec 3<>"/dev/tcp/$here/$(port sftp)") 2>/dev/null ;;
	*) get "$(port "$1-http")/readyz" ;;
	esac
}

get() { curl -sf --noproxy '*' --max-time 3 -o "$data/run/answer" "http://$here:$1"; }

# ---- processes ----

# began answers when a process began, in clock ticks since the boot: a number that is used again has another one.
began() { awk '{ sub(/.*\) /, ""); if ($1 != "Z") print $20 }' "/proc/$1/stat" 2>/dev/null || true; }

pid() { # of a part that runs
	local id when
	read -r id when 2>/dev/null <"$data/run/$1.pid" || return 1
	[ -n "$id" ] && [ "$(began "$id")" = "$when" ] || return 1
	echo "$id"
}

begin() {
	local id
	pid "$1" >/dev/null && return
	setsid "$self" _become "$1" </dev/null >>"$data/logs/$1.log" 2>&1 9>&- &
	id=$!
	echo "$id $(began "$id")" >"$data/run/$1.pid"
}

await() { # PART: until it is ready
	local end=$((SECONDS + patience))
	until ready "$1"; do
		pid "$1" >/dev/null || die "$1 ended at once. The end of its log, $data/logs/$1.log:"$'\n'"$(tail -5 "$data/logs/$1.log")"
		[ $SECONDS -lt $end ] || die "$1 is not ready after $patience s. The end of its log, $data/logs/$1.log:"$'\n'"$(tail -5 "$data/logs/$1.log")"
		sleep 0.1
	done
}

finish() { # PART SIGNAL
	local id
	id=$(pid "$1") || { rm -f "$data/run/$1.pid"; return; }
	kill "-$2" "$id" 2>/dev/null || true
}

gone() { # PART: until it is gone
	local id end=$((SECONDS + 30))
	while id=$(pid "$1"); do
		if [ $SECONDS -ge $end ]; then
			say "$1 does not stop: killed"
			kill -KILL -- "-$id" 2>/dev/null || kill -KILL "$id"
			end=$((SECONDS + 30))
		fi
		sleep 0.05
	done
	rm -f "$data/run/$1.pid"
}

signal_of() { # how a part is asked to stop
	case $1 in
	postgres) echo INT ;; # at once, in order
	*) echo TERM ;;
	esac
}

# ---- the first start of what keeps data ----

make_database() {
	[ ! -e "$data/run/database-is-made" ] || return 0
	finish postgres INT
	gone postgres
	rm -rf "$data/postgres" # half made, if anything
	mkdir "$data/postgres"
	chown "$postgres_user" "$data/postgres"
	# The other user cannot read our files, nor open our pipes by name.
	# shellcheck disable=SC2016 # for the inner shell
	secret postgres | "${as_postgres[@]}" sh -c 'umask 077; cd / && cat >"$2/password" && "$1/initdb" -D "$2/db" -U postgres \
		-A scram-sha-256 --pwfile="$2/password" -E UTF8 --locale=C.UTF-8 && rm "$2/password"' sh "$(postgres_bin)" "$data/postgres" \
		>>"$data/logs/postgres.log" 2>&1 || die "PostgreSQL made no database: $data/logs/postgres.log"
}

# make_roles gives each service a role that reads and writes rows of its schema, and provision the one that owns both.
make_roles() {
	[ ! -e "$data/run/database-is-made" ] || return 0
	local psql=(psql -qX -v ON_ERROR_STOP=1 -h "$here" -p "$(port postgres)" -U postgres) sql=$root/deploy/postgres
	PGPASSWORD=$(secret postgres) "${psql[@]}" -d postgres -c "CREATE DATABASE filmgate"
	PGPASSWORD=$(secret postgres) PASSWORDS=$data/secrets "${psql[@]}" -d filmgate -f "$sql/roles.sql" -f "$sql/passwords.sql"
	touch "$data/run/database-is-made"
}

provision() {
	local environment
	mapfile -t environment < <(settings provision)
	environment+=(FILMGATE_LISTENERS=listener) # another team's program, with a consumer of its own on PHOTOS
	env "${environment[@]}" FILMGATE_NATS_REPLICAS=$nats_nodes FILMGATE_JOBS_DATABASE_FILE="$data/secrets/jobs-owner-database" \
		FILMGATE_MAPPER_DATABASE_FILE="$data/secrets/catalog-owner-database" "$bin/filmgate" provision >>"$data/logs/provision.log" 2>&1 ||
		die "provisioning failed: $(tail -3 "$data/logs/provision.log")"
}

# ---- commands ----

known() { # PART...: die for what is none
	local part
	for part; do
		parts | grep -x -- "$part" >/dev/null || die "there is no part $part; these are: $(parts | tr '\n' ' ')"
	done
}

start() {
	local all=("$@") part first=
	check_machine
	if [ ${#all[@]} -eq 0 ]; then
		build
		prepare
		make_database
		mapfile -t all < <(parts)
		first=yes
	fi
	[ -s "$data/run/programs" ] || die "nothing was started in $data yet: begin with \`cluster.sh start\`"
	if [ -n "$first" ]; then
		for part in "${all[@]}"; do case $part in nats-* | minio | postgres) begin "$part" ;; esac; done
		for part in "${all[@]}"; do case $part in nats-* | minio | postgres) await "$part" ;; esac; done
		make_roles
		provision
	fi
	for part in "${all[@]}"; do begin "$part"; done
	for part in "${all[@]}"; do await "$part"; done
	[ -z "$first" ] || card
}

card() {
	cat <<-END
		Filmgate runs in $data

		  SFTP          $here:$(port sftp), over $(replicas sftp-edge) edges
		  studio        http://$here:$(port pages), over $(replicas studio)
		  a shell       eval "\$($self env)", then filmgate account create demo
		  stop it       $self stop
	END
}

stop() {
	local all=("$@") part i
	if [ ${#all[@]} -eq 0 ]; then
		# Whatever runs, in the order in which nobody loses a peer: the doors first, then those who work, then what they keep.
		mapfile -t all < <(for part in sftp-edge balancer studio processing album-mapper job-status minio postgres nats; do
			compgen -G "$data/run/$part*.pid" | sed 's|.*/||; s|\.pid$||'
		done)
	fi
	local kind=
	for ((i = 0; i <= ${#all[@]}; i++)); do # parts of one kind stop together
		part=${all[i]:-}
		if [ -n "$kind" ] && [ "${part%-[0-9]*}" != "$kind" ]; then
			for part in "${group[@]}"; do gone "$part"; done
			kind=
			part=${all[i]:-}
		fi
		[ -n "$part" ] || continue
		[ -n "$kind" ] || group=()
		kind=${part%-[0-9]*}
		group+=("$part")
		finish "$part" "$(signal_of "$part")"
	done
}

status() {
	local part id failed=0
	for part in $(parts); do
		if ! id=$(pid "$part"); then
			printf '%-16s stopped\n' "$part"
			failed=1
		elif ready "$part"; then
			printf '%-16s ready      pid %s\n' "$part" "$id"
		else
			printf '%-16s not ready  pid %s  %s\n' "$part" "$id" "$data/logs/$part.log"
			failed=1
		fi
	done
	return $failed
}

environment() {
	cat <<-END
		export PATH="$bin:\$PATH"
		export FILMGATE_CLUSTER_DATA='$data'
		export FILMGATE_SERVER='$(list job-status "$here:" "$(replicas job-status)" -grpc)'
		export FILMGATE_CATALOG='$(list album-mapper "$here:" "$(replicas album-mapper)" -grpc)'
		export FILMGATE_TLS_CERT_PATH='$data/secrets/operator.pem'
		export FILMGATE_TLS_KEY_PATH='$data/secrets/operator.key'
		export FILMGATE_TLS_CA_PATH='$data/secrets/ca.pem'
		export FILMGATE_TOKEN='$(secret operator-token)'
		export FILMGATE_NATS_URL='$(cat "$data/secrets/nats-url-provision")'
		export FILMGATE_LISTENER_NATS_URL='$(cat "$data/secrets/nats-url-listener")'
		export FILMGATE_SMOKE_SFTP='$here:$(port sftp)'
		export FILMGATE_STUDIO='http://$here:$(port pages)'
	END
}

locked() { # one command at a time changes what runs
	mkdir -p "$data/run"
	exec 9>"$data/run/lock"
	flock -w 300 9 || die "another command works on $data"
	"$@"
}

command=${1:-}
[ $# -eq 0 ] || shift
case $command in
start | stop | kill)
	[ $# -eq 0 ] || known "$@"
	;;
esac
case $command in
_become) become "$1" ;;
start) locked start "$@" ;;
stop)
	[ -d "$data/run" ] || exit 0
	locked stop "$@"
	;;
kill)
	[ $# -gt 0 ] || die "say which parts to kill"
	for part; do finish "$part" KILL; done
	for part; do gone "$part"; done
	;;
status) status ;;
env)
	[ -s "$data/run/programs" ] || die "nothing was started in $data yet"
	environment
	;;
logs)
	[ $# -gt 0 ] || mapfile -t all < <(parts)
	mapfile -t files < <(printf "$data/logs/%s.log\n" "${@:-${all[@]}}")
	exec tail -n 20 -F "${files[@]}"
	;;
help | -h | --help) usage ;;
*)
	usage >&2
	exit 2
	;;
esac
