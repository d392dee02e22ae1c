#!/usr/bin/env bash
# A real Kubernetes node on this machine, for as long as a test needs it: README.md beside this says what is in it.
#
#   node.sh start        a fresh cluster; ready when this returns
#   node.sh stop         ends it, whatever state it is in; a second time does nothing
#   node.sh status       what runs, with its memory
#   node.sh enter …      run a command on the node (a shell without one): kubectl, curl to a Service, a test
#   node.sh push I REF   put an OCI layout, docker archive or bare static program into its registry, as localhost:5000/…
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
export PATH=$PATH:/usr/sbin:/sbin

needs() {
	[ "$(id -u)" -eq 0 ] || fail "a node needs root: it makes namespaces, mounts and cgroups. Run this as root."
	"$here/../../.ci/setup-node"
	[ -x "$KUBE/kubelet" ] || fail "KUBE must be the folder of the node's programs; \`make node-up\` builds them and sets it"
	# init.sh puts memory in the place of these, for itself.
	case "$NODE_DIR/ $KUBE/" in
	/run/* | /var/lib/* | /var/log/* | *\ /run/* | *\ /var/lib/* | *\ /var/log/*)
		fail "neither NODE_DIR ($NODE_DIR) nor KUBE ($KUBE) may lie in /run, /var/lib or /var/log" ;;
	esac
	[ "$(ulimit -Hn)" -ge 4096 ] || fail "the limit of open files is $(ulimit -Hn): a node needs 4096"
}

start() {
	needs
	if node_pid >/dev/null; then
		say "it runs already; KUBECONFIG=$KUBECONFIG_NODE"
		return
	fi
	stop
	local began=$EPOCHREALTIME unshare
	mkdir -p "$NODE_DIR"/{log,pid,pki,sysctl,registry,volumes}
	chmod 711 "$NODE_DIR" # PostgreSQL, which refuses to be root, passes through
	setsid unshare --fork --pid --kill-child --mount-proc --mount --net -- "$here/init.sh" "$NODE_DIR" "$KUBE" "$NODES" \
		>"$NODE_DIR/log/init" 2>&1 </dev/null &
	unshare=$!
	echo $unshare >"$NODE_DIR/unshare.pid"
	disown
	until [ -e "$NODE_DIR/started" ]; do wait_a_moment; done
	for i in $(seq "$NODES"); do
		until on_node kubectl wait --for=create --timeout=5s "node/node$i" >/dev/null 2>&1; do wait_a_moment; done
		until on_node kubectl wait --for=condition=Ready --timeout=5s "node/node$i" >/dev/null 2>&1; do wait_a_moment; done
	done
	say "ready after $(seconds_since "$began") s: $NODES nodes, Kubernetes $(on_node kubectl get node node1 -o 'jsonpath={.status.nodeInfo.kubeletVersion}'). KUBECONFIG=$KUBECONFIG_NODE, to be used by: deploy/node/node.sh enter"
}

deadline=$((SECONDS + 300)) # generous: two busy cores take 20 s
wait_a_moment() {
	if [ -e "$NODE_DIR/dead" ] || ! kill -0 "$(cat "$NODE_DIR/unshare.pid")" 2>/dev/null || [ $SECONDS -gt $deadline ]; then
		{
			echo "node: it does not start. $(cat "$NODE_DIR/dead" 2>/dev/null)"
			for log in "$NODE_DIR/log/init" $(sed -n "s#^\([a-z0-9-]*\) has ended.*#$NODE_DIR/log/\1#p" "$NODE_DIR/dead" 2>/dev/null); do
				echo "--- the end of $log"
				tail -n 15 "$log"
			done
		} >&2
		exit 1
	fi
	sleep 0.1
}

seconds_since() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }'; }

# stop needs no politeness: nothing in the cluster is to be kept. With the first process all others end, with them their
# mounts and their network. What is left are cgroups and files.
stop() {
	local unshare pid
	[ "$(id -u)" -eq 0 ] || fail "only root can stop it"
	[ ! -e "$NODE_DIR" ] || [ -e "$NODE_DIR/unshare.pid" ] || fail "$NODE_DIR is no node's: it is left alone"
	if pid=$(node_pid); then
		unshare=$(cat "$NODE_DIR/unshare.pid")
		kill -KILL "$pid"
		while kill -0 "$unshare" 2>/dev/null; do sleep 0.05; done # it waits for the first, which waits for all
	fi
	local deadline=$((SECONDS + 30)) cgroups
	while cgroups=$(find /sys/fs/cgroup -depth -type d -path "*/$NODE_CGROUP*" 2>/dev/null) && [ -n "$cgroups" ]; do
		xargs -r rmdir 2>/dev/null <<<"$cgroups" && break
		[ $SECONDS -lt $deadline ] || fail "some cgroups cannot be removed: $(tail -n 1 <<<"$cgroups")"
		sleep 0.05
	done
	rm -rf "$NODE_DIR"
}

status() {
	node_pid >/dev/null || { say "there is none"; return 1; }
	[ ! -e "$NODE_DIR/dead" ] || cat "$NODE_DIR/dead"
	on_node "$here/memory.sh" "$NODE_DIR/pid"
	on_node kubectl get nodes -o wide
	on_node kubectl get pods -A
}

case "${1:-}" in
start) start ;;
stop) stop ;;
status) status ;;
enter)
	shift
	[ $# -gt 0 ] || set -- "${SHELL:-bash}"
	on_node "$@"
	;;
push)
	[ $# -eq 3 ] || fail "usage: node.sh push IMAGE localhost:5000/NAME:TAG"
	on_node push "$2" "$3"
	;;
*)
	sed -n 's/^#   //p' "$0" >&2
	exit 2
	;;
esac
