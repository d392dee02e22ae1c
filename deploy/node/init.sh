#!/usr/bin/env bash
# The node's first process. node.sh starts it in namespaces of its own (processes, mounts, network): whatever it mounts,
# listens on or starts is gone when it is, however it ends, and the machine never sees any of it.
set -euo pipefail
NODE_DIR=$1 KUBE=$2 NODES=$3
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
PATH=$KUBE:$PATH:/usr/sbin:/sbin

daemon() { # name, then the command; logs under its name, and is missed when it ends
	local name=$1
	shift
	"$@" >"$NODE_DIR/log/$name" 2>&1 &
	echo $! >"$NODE_DIR/pid/$name"
}
until_it_works() {
	until "$@" >/dev/null 2>&1; do sleep 0.1; done # node.sh gives up, not we
}

### Its own places
# Programs with fixed ideas of where to write (CNI, containerd's shims, the kubelet) write into memory.
for place in /run /var/lib /var/log; do mount -t tmpfs tmpfs $place; done
mkdir -p /run/netns /run/lock
mkdir -p "$(dirname "$(readlink -m /etc/resolv.conf)")"
printf 'nameserver %s\nsearch svc.cluster.local cluster.local\noptions ndots:5\n' $DNS_ADDRESS >"$NODE_DIR/resolv.conf"
[ -e /etc/resolv.conf ] || touch /etc/resolv.conf
mount --bind "$NODE_DIR/resolv.conf" /etc/resolv.conf
# The kubelet sets these for the whole machine. It gets copies to write on.
for setting in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
	[ -e /proc/sys/$setting ] || continue
	copy=$NODE_DIR/sysctl/${setting//\//.}
	cat /proc/sys/$setting >"$copy"
	mount --bind "$copy" /proc/sys/$setting
done

# And its own corner of each hierarchy of cgroups, for pods.
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then hierarchies=(/sys/fs/cgroup); else hierarchies=(/sys/fs/cgroup/*/); fi
for hierarchy in "${hierarchies[@]}"; do
	for i in $(seq "$NODES"); do mkdir -p "$hierarchy/$NODE_CGROUP/node$i"; done
done

### Its own network: pods are routed, one subnet per node, all in this one namespace
ip link set lo up
for address in "$DNS_ADDRESS" $(seq -f 10.243.0.%g 1 "$NODES"); do ip address add "$address/32" dev lo; done
ip route add $SERVICES dev lo src $API_ADDRESS # else the node itself does not reach ClusterIPs
sysctl -qw net.ipv4.ip_forward=1

### Who may do what
openssl genrsa -out "$NODE_DIR/pki/sa.key" 2048 2>/dev/null
openssl rsa -in "$NODE_DIR/pki/sa.key" -pubout -out "$NODE_DIR/pki/sa.pub" 2>/dev/null
user() { # kubeconfig's name, user, group
	local token
	token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
	echo "$token,$2,$2,\"$3\"" >>"$NODE_DIR/tokens.csv"
	cat >"$NODE_DIR/$1.kubeconfig" <<-Y
		apiVersion: v1
		kind: Config
		clusters: [{name: filmgate, cluster: {server: "https://$API_ADDRESS:6443", certificate-authority: $NODE_DIR/pki/apiserver.crt}}]
		users: [{name: $1, user: {token: $token}}]
		contexts: [{name: filmgate, context: {cluster: filmgate, user: $1}}]
		current-context: filmgate
	Y
}
umask 077
user admin admin system:masters
user controllers system:kube-controller-manager ""
user scheduler system:kube-scheduler ""
user proxy system:kube-proxy ""
for i in $(seq "$NODES"); do user "node$i" "system:node:node$i" system:nodes; done
umask 022

### The control plane. etcd need not survive a power cut: the cluster lives as long as this process.
daemon etcd etcd --name=etcd --data-dir="$NODE_DIR/etcd" --unsafe-no-fsync --log-level=warn \
	--listen-client-urls=http://127.0.0.1:2379 --advertise-client-urls=http://127.0.0.1:2379 \
	--listen-peer-urls=http://127.0.0.1:2380 --initial-advertise-peer-urls=http://127.0.0.1:2380 --initial-cluster=etcd=http://127.0.0.1:2380
# It signs its own certificate, which is all that clients need to know it by.
daemon kube-apiserver kube-apiserver --etcd-servers=http://127.0.0.1:2379 --bind-address=$API_ADDRESS --advertise-address=$API_ADDRESS \
	--cert-dir="$NODE_DIR/pki" --token-auth-file="$NODE_DIR/tokens.csv" --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction \
	--service-cluster-ip-range=$SERVICES --service-account-issuer=https://kubernetes.default.svc.cluster.local \
	--service-account-key-file="$NODE_DIR/pki/sa.pub" --service-account-signing-key-file="$NODE_DIR/pki/sa.key" \
	--kubelet-preferred-address-types=InternalIP --allow-privileged=true
daemon registry registry 127.0.0.1:5000 "$NODE_DIR/registry" "$KUBE/pause"

### Containers
for i in $(seq "$NODES"); do
	dir=$NODE_DIR/node$i
	mkdir -p "$dir/cni"
	cat >"$dir/cni/10-ptp.conflist" <<-C
		{"cniVersion": "0.4.0", "name": "ptp", "plugins": [{"type": "ptp", "mtu": 1500, "ipam": {
		  "type": "host-local", "dataDir": "$dir/ipam", "ranges": [[{"subnet": "10.244.$i.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}
	C
	# restrict_oom_score_adj: not every machine's root may lower it. AppArmor's profiles are the machine's business.
	cat >"$dir/containerd.toml" <<-C
		version = 2
		root = "$dir/containerd"
		state = "/run/containerd-$i"
		disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs"]
		[grpc]
		address = "$dir/containerd.sock"
		[plugins."io.containerd.internal.v1.opt"]
		path = "$dir/opt"
		[plugins."io.containerd.grpc.v1.cri"]
		sandbox_image = "$REGISTRY/pause:1"
		restrict_oom_score_adj = true
		disable_apparmor = true
		[plugins."io.containerd.grpc.v1.cri".cni]
		bin_dir = "/usr/lib/cni"
		conf_dir = "$dir/cni"
	C
	daemon "containerd$i" containerd --config="$dir/containerd.toml"
done

until_it_works curl -fsS --cacert "$NODE_DIR/pki/apiserver.crt" "https://$API_ADDRESS:6443/readyz"
daemon controllers kube-controller-manager --kubeconfig="$NODE_DIR/controllers.kubeconfig" --leader-elect=false --bind-address=127.0.0.1 \
	--cert-dir="$NODE_DIR/pki/controllers" --service-account-private-key-file="$NODE_DIR/pki/sa.key" --root-ca-file="$NODE_DIR/pki/apiserver.crt" \
	--use-service-account-credentials=true --horizontal-pod-autoscaler-sync-period=5s
daemon scheduler kube-scheduler --kubeconfig="$NODE_DIR/scheduler.kubeconfig" --leader-elect=false --bind-address=127.0.0.1 --cert-dir="$NODE_DIR/pki/scheduler"

### Nodes
for i in $(seq "$NODES"); do
	dir=$NODE_DIR/node$i
	# Anybody may ask a kubelet anything: only pods of tests can reach it. Nothing is evicted for a full disk, nor images
	# collected: the disk is the machine's, and the node is short-lived.
	cat >"$dir/kubelet.yaml" <<-K
		apiVersion: kubelet.config.k8s.io/v1beta1
		kind: KubeletConfiguration
		containerRuntimeEndpoint: unix://$dir/containerd.sock
		failCgroupV1: false
		cgroupDriver: cgroupfs
		cgroupRoot: /$NODE_CGROUP/node$i
		enforceNodeAllocatable: [pods]
		authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
		authorization: {mode: AlwaysAllow}
		address: 10.243.0.$i
		healthzPort: 0
		readOnlyPort: 0
		oomScoreAdj: 0
		failSwapOn: false
		maxOpenFiles: $(ulimit -Hn)
		clusterDNS: [$DNS_ADDRESS]
		clusterDomain: cluster.local
		resolvConf: ""
		evictionHard: {memory.available: 100Mi}
		imageGCHighThresholdPercent: 100
		imageGCLowThresholdPercent: 99
		nodeStatusUpdateFrequency: 5s
		shutdownGracePeriod: 0s
		volumePluginDir: $dir/plugins
		podLogsDir: $dir/logs
	K
	daemon "kubelet$i" kubelet --config="$dir/kubelet.yaml" --kubeconfig="$NODE_DIR/node$i.kubeconfig" --root-dir="$dir/kubelet" --cert-dir="$dir/pki" \
		--hostname-override="node$i" --node-ip="10.243.0.$i" --node-labels="topology.kubernetes.io/zone=zone$i"
done
# One for all nodes: they share a network. Connection tracking is left as the machine has it.
daemon kube-proxy kube-proxy --kubeconfig="$NODE_DIR/proxy.kubeconfig" --proxy-mode=nftables --hostname-override=node1 --cluster-cidr=10.244.0.0/16 \
	--healthz-bind-address=127.0.0.1:10256 --metrics-bind-address=127.0.0.1:10249 --oom-score-adj=0 \
	--conntrack-max-per-core=0 --conntrack-min=0 --conntrack-tcp-timeout-established=0 --conntrack-tcp-timeout-close-wait=0
cat >"$NODE_DIR/Corefile" <<-C
	. {
	  bind $DNS_ADDRESS
	  errors
	  kubernetes cluster.local in-addr.arpa {
	    kubeconfig $KUBECONFIG_NODE
	    ttl 5
	  }
	  cache 5
	}
C
daemon dns dns "$NODE_DIR/Corefile"
daemon netpol netpol "$KUBECONFIG_NODE"

### Disks. Nothing here makes volumes on demand, so some lie ready; on the first node, so that another can be drained.
{
	cat <<-Y
		apiVersion: storage.k8s.io/v1
		kind: StorageClass
		metadata: {name: local, annotations: {storageclass.kubernetes.io/is-default-class: "true"}}
		provisioner: kubernetes.io/no-provisioner
		volumeBindingMode: WaitForFirstConsumer
	Y
	for i in $(seq -w 16); do
		mkdir -p "$NODE_DIR/volumes/$i"
		cat <<-Y
			---
			apiVersion: v1
			kind: PersistentVolume
			metadata: {name: local-$i}
			spec:
			  capacity: {storage: 10Gi}
			  accessModes: [ReadWriteOnce]
			  persistentVolumeReclaimPolicy: Retain
			  storageClassName: local
			  local: {path: "$NODE_DIR/volumes/$i"}
			  nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [node1]}]}]}}
		Y
	done
} >"$NODE_DIR/volumes.yaml"
until_it_works kubectl --kubeconfig="$KUBECONFIG_NODE" apply -f "$NODE_DIR/volumes.yaml"
touch "$NODE_DIR/started"

### Until it is stopped: bury what is orphaned here, and say which daemon is missed
while true; do
	gone=
	wait -n -p gone || status=$?
	if [ -z "$gone" ]; then # no child is left
		exit 1
	fi
	for file in "$NODE_DIR"/pid/*; do
		if [ "$(cat "$file")" = "$gone" ]; then
			echo "$(basename "$file") has ended with status ${status:-0}" | tee -a "$NODE_DIR/dead"
			rm "$file"
		fi
	done
done
