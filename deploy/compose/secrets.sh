#!/usr/bin/env bash
# Makes every secret that compose.yaml names, each once: what is there stays as it is, so it can be run again after an upgrade.
# It needs openssl 3, ssh-keygen and coreutils. `secrets.sh FOLDER` makes them there instead of in secrets/ beside it.
set -euo pipefail
folder=${1:-$(cd "$(dirname "$0")" && pwd)/secrets}
# Docker mounts these files as they are, and our containers are nobody in particular: the files are readable by all, so that
# the folder must not be.
mkdir -p "$folder"
chmod 700 "$folder"
cd "$folder"
umask 022

# keep NAME puts what it reads in the file of that name, whole or not at all.
keep() {
	cat >".$1.part"
	[ -s ".$1.part" ] || return 1
	chmod 444 ".$1.part"
	mv -f ".$1.part" "$1"
}
absent() { [ ! -e "$1" ]; }
# Without a line's end, and of letters and digits alone: they also become parts of addresses.
random() { openssl rand -hex "$1" | tr -d '\n'; }

for name in service-token operator-token s3-root-password s3-sftp-edge s3-album-mapper s3-processing s3-studio s3-provision postgres-password owner-password jobs-password catalog-password grafana-password; do
	absent $name && random 24 | keep $name
done
absent s3-root-user && random 8 | keep s3-root-user
# Addresses of the database, for the roles of deploy/postgres/roles.sql. Written anew each time, because the passwords are in them.
database() { # ROLE SCHEMA
	printf 'postgres://filmgate_%s:%s@postgres:5432/filmgate?search_path=%s&sslmode=disable' "$1" "$(cat "$1-password")" "$2"
}
for schema in jobs catalog; do
	database $schema $schema | keep $schema-database
	database owner $schema | keep $schema-owner-database # provision's
done

### Host keys of SFTP, the same for all edges. Photographers' programs remember them: keep a copy elsewhere.
for kind in ed25519 ecdsa rsa; do
	absent host-key-$kind || continue
	bits=()
	[ $kind = rsa ] && bits=(-b 3072)
	rm -f .key .key.pub
	ssh-keygen -q -t $kind ${bits[@]+"${bits[@]}"} -N '' -C filmgate -f .key
	keep host-key-$kind <.key
	[ $kind = ed25519 ] && ssh-keygen -l -E sha256 -f .key.pub | awk '{ printf "%s", $2 }' | keep host-key-fingerprint
	rm -f .key .key.pub
done

### Certificates for gRPC: one authority of our own, one certificate for each service, for the name that others call it by.
key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 2>/dev/null || openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256; }
if absent tls-ca || absent authority-key; then
	rm -f tls-ca tls-*-cert tls-*-key
	key | keep authority-key
	chmod 400 authority-key # for this script alone; no container gets it
	openssl req -x509 -new -key authority-key -days 3650 -subj "/CN=Filmgate's services" | keep tls-ca
fi
for service in sftp-edge job-status album-mapper studio operator; do
	absent tls-$service-cert || absent tls-$service-key || continue
	key | keep tls-$service-key
	openssl req -new -key tls-$service-key -subj "/CN=$service" |
		openssl x509 -req -CA tls-ca -CAkey authority-key -days 825 -set_serial "0x$(random 16)" -extfile <(
			printf 'subjectAltName=DNS:%s\nextendedKeyUsage=serverAuth,clientAuth\nkeyUsage=digitalSignature\nbasicConstraints=CA:FALSE\n' $service
		) 2>/dev/null | keep tls-$service-cert
done

### Nkeys: NATS knows the public half of each service's key pair, and what that service may do.
# nkey HEX-OF-PREFIX FILE spells bytes as nkeys do: base32 of a prefix, the bytes, and a checksum.
nkey() {
	local hex crc=0 byte
	hex=$1$(od -An -v -tx1 "$2" | tr -d ' \n')
	for byte in $(printf '%s' "$hex" | fold -w2); do
		crc=$((crc ^ (0x$byte << 8)))
		for _ in 1 2 3 4 5 6 7 8; do
			crc=$(((crc & 0x8000) ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff))
		done
	done
	# shellcheck disable=SC2059 # the format is the bytes
	printf "$(printf '%s%02x%02x' "$hex" $((crc & 255)) $((crc >> 8)) | sed 's/../\\x&/g')" | base32 -w0 | tr -d '='
}
users='sftp-edge job-status album-mapper processing studio provision restore smoke listener'
for user in $users; do
	absent "nats-$user" || absent "nats-$user-public" || continue
	openssl rand -out .seed 32
	# The key pair of an Ed25519 seed: the seed in PKCS#8's wrapping, and the last 32 bytes of what openssl answers.
	{ printf '\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20' && cat .seed; } |
		openssl pkey -inform DER -pubout -outform DER | tail -c 32 >.public
	nkey 9500 .seed | keep "nats-$user"        # S and U: the seed of a user
	nkey a0 .public | keep "nats-$user-public" # U
	rm -f .seed .public
done

### What the NATS servers are told. Written anew each time: there is nothing in it that is not made of the files above.
absent routes-password && random 24 | keep routes-password
{
	echo "authorization { user: routes, password: $(cat routes-password) }"
	printf 'routes: ['
	for server in nats-1 nats-2 nats-3; do printf ' "nats://routes:%s@%s:6222",' "$(cat routes-password)" $server; done
	echo ' ]'
} | keep nats-routes
# The public halves are no secret: they are in the servers' environment, where deploy/nats/nkeys.conf looks for them.
for user in $users; do
	name=$(printf '%s' "$user" | tr 'a-z-' 'A-Z_')
	echo "FILMGATE_NATS_NKEY_$name=$(cat "nats-$user-public")"
done | keep nats-users.env
echo "The secrets are in $folder. Keep a copy of it, at least of host-key-*: photographers' programs remember those."
