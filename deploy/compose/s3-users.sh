#!/bin/sh
# Makes a user in MinIO for each service, with its policy from deploy/s3, or changes them to what they are here. Runs in mc's
# image, which has little more than a shell.
set -eu
bucket=filmgate
secret() { cat "/run/secrets/$1"; }
# The policies say BUCKET where ours has its name.
named() {
	while IFS= read -r line; do
		case $line in *BUCKET*) line="${line%%BUCKET*}$bucket${line#*BUCKET}" ;; esac
		printf '%s\n' "$line"
	done <"$1"
}

MC_HOST_minio="http://$(secret s3-root-user):$(secret s3-root-password)@minio:9000"
export MC_HOST_minio
for service in sftp-edge album-mapper processing studio provision; do
	named "/policies/$service.json" >/tmp/policy.json
	mc admin policy create minio "$service" /tmp/policy.json
	# From stdin, so that no key stands in the list of processes. A user that is there gets the key that is here.
	printf '%s\n%s\n' "$service" "$(secret "s3-$service")" | mc admin user add minio
	case $(mc admin user info minio "$service") in
	*"PolicyName: $service"*) ;;
	*) mc admin policy attach minio "$service" --user "$service" ;;
	esac
done
