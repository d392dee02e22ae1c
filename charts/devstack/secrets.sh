#!/usr/bin/env bash
# Invents the secrets of a trial and prints them as values of this chart:
#   charts/devstack/secrets.sh -namespace photos > devstack-secrets.yaml
set -euo pipefail
cd "$(dirname "$0")/.."
umask 077
CGO_ENABLED=0 exec go run ./secrets "$@"
