#!/usr/bin/env bash
# Proves the charts on a real Kubernetes node: both are installed into a namespace that enforces restricted pods, a photo goes
# through, everything is scaled, replaced and rolled back while real clients upload, a node is drained, and nothing stays.
#
#   chart.sh HELM NATS-SERVER MINIO      the programs; images are those of `make images PLATFORMS=linux/amd64`
set -euo pipefail
cd "$(dirname "$0")/../.."
helm=$1 nats=$2 minio=$3
# shellcheck source-path=SCRIPTDIR source=../node/lib.sh
. deploy/node/lib.sh
node=deploy/node/node.sh namespace=photos
work=$(mktemp -d)
began=$SECONDS
say() { printf 'chart-e2e: %3d s: %s\n' $((SECONDS - began)) "$*"; }
fail() {
	printf 'chart-e2e: %s\n' "$*" >&2
	on_node kubectl -n $namespace get pods -o wide >&2 || true
	on_node kubectl -n $namespace get events --field-selector type=Warning 2>/dev/null | tail -n 20 >&2 || true
	exit 1
}
cleanup() {
	"$node" stop
	rm -rf "$work"
}
kube() { on_node kubectl -n $namespace "$@"; }
helm() { on_node env "HELM_CONFIG_HOME=$work/helm" "HELM_CACHE_HOME=$work/helm" "HELM_DATA_HOME=$work/helm" "$helm" -n $namespace "$@"; }
quiet() {
	"$@" >"$work/log" 2>&1 || {
		cat "$work/log" >&2
		fail "failed: $*"
	}
}

trap cleanup EXIT
"$node" start
for image in sftp-edge job-status album-mapper processing studio filmgate; do
	for tag in a b; do # an upgrade needs another one
		quiet "$node" push ".bin/images/$image-linux-amd64.tar" "$REGISTRY/filmgate/$image:$tag"
	done
done
quiet "$node" push "$nats" "$REGISTRY/nats-server:2.15.2"
quiet "$node" push "$minio" "$REGISTRY/minio:local"
quiet on_node kubectl create namespace $namespace
quiet on_node kubectl label namespace $namespace pod-security.kubernetes.io/enforce=restricted
say "the node is ready and has the images"

charts/devstack/secrets.sh -namespace $namespace >"$work/secrets.yaml"
superuser=$(deploy/node/postgres.sh start $namespace elsewhere | sed "s|@[^/]*/|@$API_ADDRESS:5432/|")
quiet kube delete service elsewhere
postgres=$(compgen -G '/usr/lib/postgresql/*/bin' | sort -V | tail -n 1)
psql() { quiet on_node env "PASSWORDS=$work/passwords" "$postgres/psql" -qX -v ON_ERROR_STOP=1 "$@"; }
mkdir "$work/passwords"
for role in owner jobs catalog; do sed -n "s/^    $role: //p" "$work/secrets.yaml" >"$work/passwords/$role-password"; done
psql -d "$superuser" -c 'CREATE DATABASE filmgate'
psql -d "${superuser%/*}/filmgate?sslmode=disable" -f deploy/postgres/roles.sql -f deploy/postgres/passwords.sql
quiet helm install devstack charts/devstack -f charts/devstack/ci/node-values.yaml -f "$work/secrets.yaml" \
	--set "postgres.external=$API_ADDRESS:5432" --wait --timeout 3m
say "NATS (3), MinIO and PostgreSQL run"

settings=(-f charts/filmgate/ci/devstack-values.yaml --set "image.registry=$REGISTRY,nats.replicas=3" --wait --timeout 5m)
quiet helm install filmgate charts/filmgate "${settings[@]}" --set image.tag=a
say "Filmgate is installed"
quiet helm test filmgate --timeout 3m
say "helm test: a photo went in over SFTP and came out as photo.ingested"

# The policies: whoever is a stranger reaches what is meant for people, and nothing else; the parts reach each other (that was
# the test above).
quiet "$node" push "$KUBE/probe" "$REGISTRY/probe:1"
quiet on_node kubectl create namespace strangers
quiet on_node kubectl -n strangers run stranger --image="$REGISTRY/probe:1" -- serve :8080
quiet kube run beside --image="$REGISTRY/probe:1" --overrides='{"spec":{"securityContext":{"runAsNonRoot":true,"runAsUser":65532,"seccompProfile":{"type":"RuntimeDefault"}},"containers":[{"name":"beside","image":"'$REGISTRY'/probe:1","args":["serve",":8080"],"securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]}}}]}}'
quiet on_node kubectl -n strangers wait --for=condition=Ready pod/stranger --timeout=60s
quiet kube wait --for=condition=Ready pod/beside --timeout=60s
dials() { # WORD NAMESPACE POD HOST:PORT, within half a minute: a policy holds once a pod's address is known
	local got end=$((SECONDS + 30))
	while got=$(on_node kubectl -n "$2" exec "$3" -- /probe dial "$4" 2>/dev/null || true) && [ "$got" != "$1" ]; do
		[ $SECONDS -lt $end ] || fail "$3 of $2 finds $4 $got, and not $1"
	done
}
for address in filmgate-sftp.$namespace:22 filmgate-studio.$namespace:80; do dials connected strangers stranger "$address"; done
for address in filmgate-job-status.$namespace:9101 filmgate-album-mapper.$namespace:9102 \
	devstack-nats.$namespace:4222 devstack-nats-headless.$namespace:{6222,8222} devstack-minio.$namespace:9000; do
	dials dropped strangers stranger "$address"
	dials dropped $namespace beside "$address"
done
say "strangers reach SFTP and the pages; neither they nor other pods of the namespace reach what is between the services, NATS or MinIO"

# What was dropped was the policy's doing: who is let in by the values comes in, there and nowhere else.
cat >"$work/open.yaml" <<-Y
	networkPolicy:
	  natsMonitoring: {from: &strangers [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: strangers}}}]}
	  minio: {from: *strangers}
Y
quiet helm upgrade devstack charts/devstack --reuse-values -f "$work/open.yaml" --wait --timeout 3m
for address in devstack-nats-headless.$namespace:8222 devstack-minio.$namespace:9000; do
	dials connected strangers stranger "$address"
	dials dropped $namespace beside "$address"
done
dials dropped strangers stranger "devstack-nats.$namespace:4222"
quiet helm rollback devstack --wait --timeout 3m
dials dropped strangers stranger "devstack-minio.$namespace:9000"
quiet kube delete pod beside --now
say "the values let strangers into NATS's monitoring and MinIO, and shut them out again"

# The operator's commands, as the notes of the installation say them.
filmgate() { kube exec deploy/filmgate-operator -- filmgate --account studio "$@"; }
quiet filmgate account create studio
quiet filmgate job create JOB00001
password=$(filmgate user create --sftp-user eva --all-jobs | sed -n 's/^SFTP password of eva: //p')
[ -n "$password" ] || fail "there is no password for the SFTP user"

# ssh looks for known hosts in the home of whom the machine knows, whatever HOME says.
ssh_program="ssh -a -x -o UserKnownHostsFile=$work/known_hosts -o StrictHostKeyChecking=accept-new"
photo=$PWD/pkg/testphotos/testdata/mountain.jpg
# upload NAME FIRST: sends photos until it is told to stop, each under a name of its own, and writes down those that it was told
# OK for. A failure is tried once more, as every program does.
upload() {
	local n=$2 name
	while [ ! -e "$work/stop" ]; do
		name=$1-$n.jpg
		for try in 1 2; do
			if on_node env "HOME=$work" lftp -c "set sftp:connect-program '$ssh_program'; set net:max-retries 1; set net:timeout 30; open -u eva,$password sftp://filmgate-sftp.$namespace; put -O 'JOB00001/Class 1' $photo -o $name" >>"$work/client-$1.log" 2>&1; then
				echo "$name" >>"$work/told"
				break
			fi
			[ $try = 1 ] && echo "$name" >>"$work/again" || echo "$name" >>"$work/failed"
		done
		n=$((n + 1))
	done
}
touch "$work/told" "$work/again" "$work/failed"
end=$((SECONDS + 30)) # a new user and a new job are everywhere within a second
until on_node env "HOME=$work" lftp -c "set sftp:connect-program '$ssh_program'; open -u eva,$password sftp://filmgate-sftp.$namespace; mkdir -p 'JOB00001/Class 1'" >"$work/log" 2>&1; do
	[ $SECONDS -lt $end ] || fail "the first folder is refused: $(cat "$work/log")"
done
for client in 1 2 3 4 5 6 7 8; do upload "$client" 1 & done
told() { wc -l <"$work/told"; }
until [ "$(told)" -ge 16 ]; do sleep 0.2; done

quiet helm upgrade filmgate charts/filmgate "${settings[@]}" --set image.tag=a,sftpEdge.replicas=3,processing.replicas=3
say "scaled to 3 edges and 3 processings while 8 clients upload ($(told) photos)"
quiet helm upgrade filmgate charts/filmgate "${settings[@]}" --set image.tag=b,sftpEdge.replicas=3,processing.replicas=3
say "every pod was replaced by another version ($(told) photos)"
quiet helm rollback filmgate --wait --timeout 5m
say "and by the one before ($(told) photos)"
# Who tries once more has noticed nothing so far. A process that is killed is another matter: where there is one of a part, logins
# fail until it is back, and a second try may come too early. Nothing that was told OK may be lost all the same.
[ ! -s "$work/failed" ] || fail "uploads failed twice: $(sort -u "$work/failed" | wc -l)"
restarts() { kube get pods -l "app.kubernetes.io/component=$1" -o 'jsonpath={.items[*].status.containerStatuses[*].restartCount}' | awk '{ for (i = 1; i <= NF; i++) n += $i } END { print n + 0 }'; }
for part in sftp-edge job-status album-mapper processing studio; do
	# Its process first, which comes back in its pod; then a whole pod, in whose place another one comes.
	before=$(restarts $part)
	quiet on_node pkill -KILL --newest --exact "$part"
	end=$((SECONDS + 60))
	until [ "$(restarts $part)" -gt "$before" ]; do
		[ $SECONDS -lt $end ] || fail "a killed $part does not come back"
		sleep 0.2
	done
	quiet kube rollout status "deployment/filmgate-$part" --timeout=120s
	quiet kube delete pod --grace-period=0 --force --wait=false "$(kube get pods -l "app.kubernetes.io/component=$part" -o 'jsonpath={.items[0].metadata.name}')"
	quiet kube rollout status "deployment/filmgate-$part" --timeout=120s
done
say "of each part a process was killed (-9), then a pod, and came back ($(told) photos)"
quiet on_node kubectl drain node2 --ignore-daemonsets --delete-emptydir-data --timeout=240s \
	--pod-selector='app.kubernetes.io/instance=filmgate'
quiet on_node kubectl uncordon node2
say "a node was drained of Filmgate ($(told) photos)"
touch "$work/stop"
wait

for _ in $(seq 120); do
	filmgate photo list --job JOB00001 --state ready --json | sed -n 's/.*"path":"JOB00001\/Class 1\/\([^"]*\)".*/\1/p' | sort >"$work/listed"
	missing=$(sort "$work/told" | comm -23 - "$work/listed")
	[ -n "$missing" ] || break
	sleep 1
done
[ -z "$missing" ] || fail "$(told) photos were told OK, and these are not ready in the catalog: $missing"
# What landed in the moment in which its edge was killed may be there though its client was never told.
untold=$(sort "$work/told" | comm -13 - "$work/listed" | comm -23 - <(sort -u "$work/failed"))
[ -z "$untold" ] || fail "these are in the catalog, and nobody sent them: $untold"
[ -z "$(uniq -d "$work/listed")" ] || fail "these are in the catalog twice: $(uniq -d "$work/listed")"
say "$(told) photos were told OK; each is in the catalog, ready, once; $(wc -l <"$work/again") were sent a second time, and $(wc -l <"$work/failed") failed twice while something was killed"

# The drill for the worst day, as the handbook says it: NATS is gone with every disk.
quiet kube scale deployment -l app.kubernetes.io/instance=filmgate --replicas=0
quiet kube wait --for=delete pod -l app.kubernetes.io/instance=filmgate --timeout=120s
quiet kube scale statefulset devstack-nats --replicas=0
quiet kube wait --for=delete pod -l app.kubernetes.io/name=nats --timeout=120s
quiet kube delete persistentvolumeclaim -l app.kubernetes.io/name=nats --timeout=60s
quiet kube scale statefulset devstack-nats --replicas=3
quiet kube rollout status statefulset/devstack-nats --timeout=120s
quiet kube create job rebuild --from=cronjob/filmgate-rebuild
quiet kube wait job/rebuild --for=condition=complete --timeout=120s
quiet helm upgrade filmgate charts/filmgate "${settings[@]}" --set image.tag=a
on_node env "HOME=$work" lftp -c "set sftp:connect-program '$ssh_program'; open -u eva,$password sftp://filmgate-sftp.$namespace; cls -1 'JOB00001/Class 1'" | sed 's|.*/||' | sort >"$work/after"
cmp -s "$work/listed" "$work/after" || fail "after the rebuild SFTP lists other files: $(diff "$work/listed" "$work/after")"
filmgate photo list --job JOB00001 --state ready --json | sed -n 's/.*"path":"JOB00001\/Class 1\/\([^"]*\)".*/\1/p' | sort >"$work/after"
cmp -s "$work/listed" "$work/after" || fail "after the rebuild the catalog lists other files: $(diff "$work/listed" "$work/after")"
say "NATS lost all of its disks, and $(wc -l <"$work/after") photos are where they were, after $(kube logs job/rebuild)"

quiet helm test filmgate --timeout 3m
quiet helm uninstall filmgate --wait --timeout 3m
quiet kube wait --for=delete pod -l app.kubernetes.io/instance=filmgate --timeout=120s # one that ends still lets uploads finish
left=$(kube get all,configmaps,secrets,serviceaccounts,networkpolicies,poddisruptionbudgets,roles,rolebindings -l app.kubernetes.io/instance=filmgate -o name)
[ -z "$left" ] || fail "helm uninstall left: $left"
say "uninstalled; nothing is left"
