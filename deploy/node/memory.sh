#!/usr/bin/env bash
# Prints the memory of each of the node's daemons; run on the node, whose process numbers they are.
set -euo pipefail
cd "$1"
for name in *; do
	printf '%-24s %5d MiB\n' "$name" $(($(awk '/^VmRSS/ { print $2 }' "/proc/$(cat "$name")/status") / 1024))
done
