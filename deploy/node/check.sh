#!/usr/bin/env bash
# Checks the node itself, with a program that answers and one that asks: what the chart's tests stand on has to be sure first.
# It starts a node of its own and ends it: one that runs already is in the way.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
node=$here/node.sh
if node_pid >/dev/null; then fail "a node runs already; end it first with: make node-down"; fi

# What the machine has that a node could leave behind.
traces() {
	mount | sort
	find /sys/fs/cgroup -type d -name '*filmgate*' -o -type d -name 'kubepods*' -o -type d -name k8s.io
	find /run/netns /var/run/containerd /run/containerd /var/lib/kubelet /var/lib/cni /var/lib/containerd /var/log/pods /opt/containerd 2>/dev/null || true
	ip -brief address
	ip rule
	ip route
	nft --stateless list ruleset
	sysctl vm.overcommit_memory vm.panic_on_oom kernel.panic kernel.panic_on_oops kernel.keys.root_maxkeys kernel.keys.root_maxbytes net.ipv4.ip_forward
	pgrep -a 'kube|containerd|etcd|pause|probe' | sed 's/^[0-9]* //' || true
	[ ! -e "$NODE_DIR" ] || find "$NODE_DIR"
} 2>/dev/null
PATH=$PATH:/usr/sbin:/sbin
before=$(traces)
trap '"$node" stop' EXIT

"$node" start
"$node" push "$KUBE/probe" $REGISTRY/probe:1 >/dev/null
on_node kubectl apply -f - >/dev/null <<Y
apiVersion: v1
kind: Namespace
metadata: {name: check, labels: {pod-security.kubernetes.io/enforce: restricted}}
---
apiVersion: v1
kind: Service
metadata: {name: server, namespace: check}
spec: {selector: {app: server}, ports: [{port: 80, targetPort: 8080}]}
Y
until on_node kubectl -n check get serviceaccount default >/dev/null 2>&1; do sleep 0.1; done
pod() { # name, node, command…
	local name=$1 on=$2 words
	shift 2
	words=$(printf '"%s",' "$@")
	on_node kubectl apply -f - >/dev/null <<-Y
		apiVersion: v1
		kind: Pod
		metadata: {name: $name, namespace: check, labels: {app: $name}}
		spec:
		  nodeSelector: {kubernetes.io/hostname: $on}
		  securityContext: {runAsNonRoot: true, runAsUser: 65532, fsGroup: 65532, seccompProfile: {type: RuntimeDefault}}
		  containers:
		    - name: probe
		      image: $REGISTRY/probe:1
		      imagePullPolicy: Always
		      args: [${words%,}]
		      securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
		      readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
	Y
}
step() { say "$(seconds_since "$began") s: $*"; }
seconds_since() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }'; }
began=$EPOCHREALTIME

pod server node1 serve :8080
pod client "node$NODES" serve :8080
on_node kubectl -n check wait --for=condition=Ready --timeout=120s pod/server pod/client >/dev/null || {
	on_node kubectl -n check describe pods
	fail "the pods do not become ready"
}
step "two pods FROM scratch run as user 65532 under restricted pod security"
if refused=$(on_node kubectl -n check run bad --image=$REGISTRY/probe:1 -- serve :8080 2>&1); then fail "a pod without a security context was let in"; fi
grep -q 'violates PodSecurity' <<<"$refused" || fail "a bad pod was refused for another reason: $refused"
step "a pod that is less restricted is refused"

says() { # want, from pod, address: within a minute
	local want=$1 got deadline=$((SECONDS + 60))
	while got=$(on_node kubectl -n check exec "$2" -- /probe dial "$3" 2>/dev/null || true) && [ "$got" != "$want" ]; do
		[ $SECONDS -lt $deadline ] || fail "$2 dials $3: $got, want $want"
	done
}
says connected client server:80
says connected client server.check.svc.cluster.local:80
says unknown client nobody.check.svc.cluster.local:80
says connected client kubernetes.default:443
step "DNS and ClusterIPs from a pod"
on_node "$KUBE/probe" dial server.check:80 >/dev/null || fail "the node itself does not reach a Service by its name"
step "DNS and ClusterIPs from the node itself"

policy() { # name, pod, spec
	on_node kubectl apply -f - >/dev/null <<-Y
		apiVersion: networking.k8s.io/v1
		kind: NetworkPolicy
		metadata: {name: $1, namespace: check}
		spec: {podSelector: {matchLabels: {app: $2}}, $3}
	Y
}
policy nobody server 'policyTypes: [Ingress]'
says dropped client server:80
policy nobody server 'policyTypes: [Ingress], ingress: [{from: [{podSelector: {matchLabels: {app: client}}}], ports: [{port: 8080}]}]'
says connected client server:80
policy outwards client 'policyTypes: [Egress], egress: [{ports: [{port: 53, protocol: UDP}]}]'
says dropped client server:80
says dropped client kubernetes.default:443
on_node kubectl -n check delete networkpolicy outwards >/dev/null
says connected client server:80
step "NetworkPolicies hold, both ways, and stop holding when they are deleted"

if compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
	"$here/postgres.sh" start check >/dev/null
	says connected client postgres:5432
	"$here/postgres.sh" stop
	says refused client postgres:5432
	step "PostgreSQL beside the pods, by its name, and away when it is stopped"
fi

on_node kubectl cordon "node$NODES" >/dev/null
on_node kubectl drain "node$NODES" --force --ignore-daemonsets --timeout=60s >/dev/null 2>&1 || fail "the drain fails"
step "a node is drained"
"$node" status

began=$EPOCHREALTIME
"$node" stop
step "stopped"
trap - EXIT
"$node" stop # a second time does nothing
after=$(traces)
[ "$before" = "$after" ] || {
	diff <(echo "$before") <(echo "$after") >&2 || true
	fail "something is left, or is missing: see above"
}
say "nothing is left: mounts, cgroups, namespaces, addresses, nftables, kernel settings, processes and files are as before"
