# shellcheck shell=bash disable=SC2034 # those who source it use them
# Where the node is and how to get into it: for the scripts beside this one and for tests. Sourcing it changes nothing.

# The folder of its programs. `make node-programs` builds them, and leaves a link here.
KUBE=${KUBE:-$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../../.bin/kube" || true)}
# Everything that the node writes; a test that looks for a reason finds the logs here.
NODE_DIR=${NODE_DIR:-${TMPDIR:-/tmp}/filmgate-node}
NODES=${NODES:-2} # two, so that a drain has somewhere to go

KUBECONFIG_NODE=$NODE_DIR/admin.kubeconfig
REGISTRY=localhost:5000 # as the node sees it: push and pull here
API_ADDRESS=10.243.0.1  # also where pods find what runs on the node itself, such as PostgreSQL
DNS_ADDRESS=10.243.0.53 # none of a Service: kube-proxy drops what the node sends to those that it does not know
SERVICES=10.96.0.0/16
NODE_CGROUP=filmgate-node

say() { printf 'node: %s\n' "$*"; }
fail() {
	printf 'node: %s\n' "$*" >&2
	exit 1
}

# node_pid is the machine's number of the node's first process, or nothing.
node_pid() {
	local unshare pid
	unshare=$(cat "$NODE_DIR/unshare.pid" 2>/dev/null) || return 1
	pid=$(pgrep --parent "$unshare" --full "init.sh $NODE_DIR " | head -n 1) # a number is given away again, so by name too
	[ -n "$pid" ] && echo "$pid"
}

# on_node runs a command on the node: its network, so that pods and Services can be reached; its DNS, so that their names
# are known; its processes; and kubectl without more words.
on_node() {
	local pid
	pid=$(node_pid) || fail "there is no node; start it with: make node-up"
	nsenter --target "$pid" --net --mount --pid -- \
		env --chdir="$PWD" "PATH=$KUBE:$PATH:/usr/sbin:/sbin" "KUBECONFIG=$KUBECONFIG_NODE" "CONTAINERD_ADDRESS=$NODE_DIR/node1/containerd.sock" CONTAINERD_NAMESPACE=k8s.io "$@"
}
