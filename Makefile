# Everything here works on a Debian machine with Go, git and make; `make setup` installs the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help
# Nothing that we ship links C, so nothing is compiled twice to be tested, linted and vetted. What needs C says so.
export CGO_ENABLED := 0

MODULES = $(shell go list -f '{{.Dir}}' -m)
# Development tools are built once per version, outside the checkout.
TOOLS := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/filmgate/tools-$(shell sha256sum .tools/go.sum | cut -c1-12)
MINIO := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/filmgate/minio-$(shell sha256sum .tools/minio/go.sum | cut -c1-12)/minio
SCHEMAS := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/filmgate/schemas-$(shell cat charts/schemas/*.go | sha256sum | cut -c1-12)
# Kubernetes and everything around it is one module: its parts share most of what they compile.
CHART_TOOLS := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/filmgate/chart-$(shell sha256sum .tools/kube/go.sum | cut -c1-12)
KUBE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/filmgate/kube-$(shell cat .tools/kube/go.sum $$(find .tools/kube -name '*.go' | sort) | sha256sum | cut -c1-12)
NATS := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/filmgate/nats-server-$(shell awk '$$1 == "github.com/nats-io/nats-server/v2" { print $$2 }' pkg/go.mod)/nats-server
DATA ?= filmgate-data
BIN := .bin
# What `--version` says: the tag, or how far behind it this commit is. Without git the Go toolchain's own record is said.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
LDFLAGS = -X filmgate.dev/pkg/version.version=$(VERSION)

.PHONY: help
help: ## explain the targets (this)
	@echo "Filmgate: photographers upload over SFTP, studios see the photos."
	@echo
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: build ## run everything in one process, with its data in ./filmgate-data (DATA=… for another)
	@exec $(BIN)/filmgate run --data $(DATA)

.PHONY: build
build: ## build the one binary into .bin/filmgate
	@mkdir -p $(BIN)
	@go build -ldflags "$(LDFLAGS)" -o $(BIN)/filmgate ./services/all-in-one

.PHONY: setup
setup: ## install what the tests need: SFTP clients, PostgreSQL, Chromium, gcc (quiet when they are there)
	@.ci/setup

# What takes longest goes first, so that nothing is waited for alone at the end; and one more than there are processors at a time,
# because a third of the time is spent waiting for servers and browsers.
LONG = filmgate.dev/services/all-in-one filmgate.dev/services/sftp-edge filmgate.dev/services/processing/internal/...

.PHONY: test
test: setup ## install what is needed, then run every test (under 10 minutes on two cores)
	go test -p $$(($$(nproc) + 1)) $(LONG) work

.PHONY: race
race: setup ## run the tests of everything concurrent under the race detector
	CGO_ENABLED=1 go test -race $(RACE)

.PHONY: test-arm64
test-arm64: setup ## run the tests of what has kernels for arm64 as programs for arm64, in QEMU (under a minute)
	@.ci/setup-arm64
	cd services/processing && GOARCH=arm64 go test -exec qemu-aarch64 ./internal/plane ./internal/jpegscale ./internal/baseline

# Where goroutines share memory. The stories run the real binary as a process of its own, and a search for codes is one
# goroutine: nothing to see for -race there.
RACE = $(shell go list work | grep -v -e /all-in-one -e /proto/ -e /internal/codes)

.PHONY: soak
soak: setup ## kill the edge a hundred times at each step of a close (about half an hour)
	cd services/sftp-edge && FILMGATE_KILL_ROUNDS=100 go test -count=1 -timeout 3h -parallel 4 -v -run TestKilledAtEachStep .

.PHONY: cluster-test
cluster-test: setup ## kill parts of a cluster on this machine while real clients upload (about 6 minutes; RUN=TestScale for that alone)
	cd deploy/local && FILMGATE_CLUSTER_TEST=1 go test -count=1 -timeout 1h -v -run '$(RUN)' .

CARDS = go test -count=1 -timeout 30m -v -run 'TestCardSet$$|TestZXing' ./internal/codes | grep -v -e '^=== ' -e '--- PASS: TestCardSet/'

.PHONY: cards
cards: ## read 160 painted photographs of QR cards and 160 without, in both builds, and print what was read (about 10 minutes)
	@.ci/setup-zxing
	@set -o pipefail; cd services/processing && FILMGATE_CARDS=all $(CARDS)
	@set -o pipefail; cd services/processing && FILMGATE_CARDS=all CGO_ENABLED=1 $(subst go test,go test -tags zxing,$(CARDS))

.PHONY: turbo
turbo: ## run the picture engines' tests in a build with libjpeg-turbo, the tag turbo (about two minutes)
	@.ci/setup-turbo
	cd services/processing && CGO_ENABLED=1 go test -count=1 -tags turbo -asan ./internal/turbo
	cd services/processing && CGO_ENABLED=1 go test -count=1 -tags turbo ./internal/engine

FUZZTIME ?= 3m

.PHONY: fuzz
fuzz: ## run every fuzz target, each for FUZZTIME (3m); what it finds stays under testdata/fuzz, to be committed
	@.ci/fuzz $(FUZZTIME)

.PHONY: metrics-check
metrics-check: ## hold every metric that the dashboards and alert rules name against what filmgate serves
	@cd .tools/metrics && GOWORK=off go test -count=1 ./...

.PHONY: dashboards
dashboards: setup $(CHART_TOOLS)/prometheus $(MINIO) ## draw each dashboard with data: a cluster under load, a real Prometheus (about 4 minutes; DASHBOARDS="-for 5m")
	@cd deploy/dashboards && go run . -prometheus $(CHART_TOOLS)/prometheus $(DASHBOARDS)

.PHONY: bench
bench: build ## measure the product: CPU s/GiB received, photos per CPU s, latency, peak memory (about 5 minutes)
	@go build -o $(BIN)/sftp-edge ./services/sftp-edge/cmd/sftp-edge
	@go run ./services/all-in-one/bench -bin $(BIN)

PHOTOS ?= $(wildcard ../shared/photos/camera)

.PHONY: bench-pipeline
bench-pipeline: build ## take 200 camera photos over SFTP to ready: photos/s, p50, p95 (about 2 minutes; PHOTOS=folder RUN="-against folder of another filmgate")
	@go run ./services/all-in-one/bench pipeline -bin $(BIN) -photos '$(PHOTOS)' $(RUN)

.PHONY: bench-edge
bench-edge: $(MINIO) ## hold the edge in front of MinIO against OpenSSH's sftp-server on this disk (about 10 minutes; RUN="-n 1 -load one")
	@.ci/setup-bench edge
	@mkdir -p $(BIN)
	@go build -o $(BIN)/sftp-edge ./services/sftp-edge/cmd/sftp-edge
	@go run ./services/all-in-one/bench edge -bin $(BIN) -minio $(MINIO) $(RUN)

.PHONY: bench-pictures
bench-pictures: ## hold the picture engines against libvips, ImageMagick and ffmpeg (about 10 minutes; PHOTOS=folder RUN="-n 1 -only 24mp-420")
	@.ci/setup-bench pictures
	@mkdir -p $(BIN)
	@go build -o $(BIN)/bench-pictures ./services/processing/bench
	@turbo=; if .ci/setup-turbo; then turbo=$(BIN)/bench-pictures-turbo; CGO_ENABLED=1 go build -tags turbo -o $$turbo ./services/processing/bench; fi; \
		$(BIN)/bench-pictures -photos '$(PHOTOS)' -turbo "$$turbo" $(RUN)

.PHONY: bench-bombs
bench-bombs: ## measure files that were made to hurt, each in a process of its own (about a minute; RUN="-only PNG")
	@mkdir -p $(BIN)
	@go build -o $(BIN)/bench-pictures ./services/processing/bench
	@$(BIN)/bench-pictures -bombs $(RUN)

.PHONY: minio
minio: $(MINIO) ## build MinIO for the tests of deploy/s3 and for bench-edge (some minutes, once)

# MinIO is a program beside ours and only for the benchmark: nothing of it (AGPL-3.0) is linked into what we ship.
$(MINIO): .tools/minio/go.mod .tools/minio/go.sum
	@echo "Building MinIO; this takes some minutes, once."
	@mkdir -p $(@D)
	@cd .tools/minio && GOWORK=off go build -o $@ github.com/minio/minio
	@touch $@

# VERSION=v1.2.3 for a release without its tag; SOURCE_DATE_EPOCH as everywhere.
PLATFORMS ?= linux/amd64,linux/arm64

.PHONY: images
images: ## make the services' images into .bin/images, without Docker (ONLY=studio,… PUSH=host:port/prefix PLATFORMS=linux/amd64)
	@mkdir -p $(BIN)
	@cd deploy/images && GOWORK=off go build -o $(CURDIR)/$(BIN)/make-images .
	@$(BIN)/make-images build -only '$(ONLY)' -platforms '$(PLATFORMS)' -version '$(VERSION)'
	@$(if $(PUSH),$(BIN)/make-images push -only '$(ONLY)' '$(PUSH)')

.PHONY: minio-path
minio-path: # where MinIO's binary is, or will be
	@echo $(MINIO)

# A whole Kubernetes in one binary, for the node that the chart is proved on; each of its programs is a link to it.
KUBERNETES = $(shell awk '$$1 == "k8s.io/kubernetes" { print $$2 }' .tools/kube/go.mod)
KUBE_VERSION = -X k8s.io/component-base/version.gitVersion=$(KUBERNETES) -X k8s.io/component-base/version.gitMajor=1 \
	-X k8s.io/component-base/version.gitMinor=$(word 2,$(subst ., ,$(KUBERNETES))) -X k8s.io/component-base/version.gitTreeState=clean
$(KUBE)/kube:
	@echo "Building Kubernetes for the node; this takes some ten minutes, once."
	@mkdir -p $(@D)
	@cd .tools/kube && GOWORK=off go build -trimpath -ldflags "-s -w" -o $(@D)/ ./pause ./probe
	@cd .tools/kube && GOWORK=off go build -trimpath -ldflags "-s -w $(KUBE_VERSION)" -o $@ .
	@for p in etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl dns registry push netpol; do ln -sf kube $(@D)/$$p; done

# NATS's own server, of the version that pkg embeds; for a trial's images.
$(NATS):
	@mkdir -p $(@D)
	@cd pkg && GOWORK=off go build -ldflags "-s -w" -o $@ github.com/nats-io/nats-server/v2

.PHONY: node-programs
node-programs: $(KUBE)/kube
	@mkdir -p $(BIN)
	@ln -sfn $(KUBE) $(BIN)/kube

.PHONY: node-up
node-up: node-programs ## start a real Kubernetes node on this machine, as root (deploy/node/README.md; node-down ends it)
	@deploy/node/node.sh start

.PHONY: node-down
node-down: ## end the Kubernetes node, and leave nothing of it
	@deploy/node/node.sh stop

.PHONY: node-check
node-check: node-programs ## prove that the Kubernetes node does what the chart's tests stand on, and leaves nothing (about a minute)
	@deploy/node/check.sh

.PHONY: chart-e2e
chart-e2e: setup node-programs $(CHART_TOOLS)/helm $(NATS) $(MINIO) ## prove the charts on a real Kubernetes node, as root (some minutes; the first time ten minutes more)
	@$(MAKE) --no-print-directory images PLATFORMS=linux/amd64
	@deploy/e2e/chart.sh $(CHART_TOOLS)/helm $(NATS) $(MINIO)

.PHONY: lint
lint: $(TOOLS)/golangci-lint ## run the linters over every module
	@$(TOOLS)/golangci-lint run $(MODULES:$(CURDIR)/%=./%/...)

.PHONY: generate
generate: $(TOOLS)/buf $(TOOLS)/protoc-gen-go $(TOOLS)/protoc-gen-go-grpc ## write what is generated: protos, event schemas, the SDK's types, the settings in READMEs, the chart's copies
	@cd proto && PATH=$(TOOLS):$$PATH buf generate
	@cd pkg && go generate ./...
	@cd pkg/photoevents && go generate ./...
	@cd services/all-in-one && go generate ./...
	@cp deploy/nats/nkeys.conf deploy/postgres/*.sql charts/devstack/files/
	@.ci/reference

.PHONY: tidy
tidy: ## bring go.mod, go.sum and go.work.sum in step
	@for m in $(MODULES); do (cd $$m && GOWORK=off go mod tidy) || exit 1; done
	@go work sync

.PHONY: verify
verify: $(TOOLS)/buf lint ## check that generated code is in step, contracts compatible, every module whole by itself, and nothing vulnerable
	@.ci/verify $(TOOLS)

.PHONY: chart-check
chart-check: $(addprefix $(CHART_TOOLS)/,helm helm-docs helm-unittest kubeconform promtool) $(SCHEMAS)/done ## check the Helm charts without a cluster (seconds, once the tools are built)
	@.ci/chart-check $(CHART_TOOLS) $(SCHEMAS)

.PHONY: chart-docs
chart-docs: $(CHART_TOOLS)/helm-docs ## write the charts' READMEs anew from their values
	@$(CHART_TOOLS)/helm-docs --chart-search-root charts --sort-values-order file --log-level warning

$(SCHEMAS)/done: $(wildcard charts/schemas/*.go)
	@echo "Making the schemas of Kubernetes 1.29 and 1.37 and of the operators; once."
	@cd charts && GOWORK=off go run ./schemas $(SCHEMAS)
	@touch $@

# Without the service discovery of every cloud (remove_all_sd) promtool builds in a third of the time. Prometheus has no pages of
# its own here, which its module does not hold.
$(CHART_TOOLS)/%: .tools/kube/go.mod .tools/kube/go.sum
	@echo "Building $*; this can take some minutes, once."
	@mkdir -p $(@D)
	@cd .tools/kube && GOWORK=off go build -trimpath -tags remove_all_sd -ldflags '-s -w' -o $@ $$(awk '/\/$*$$/ { print $$1; exit }' go.mod)
	@touch $@

$(TOOLS)/%: .tools/go.mod .tools/go.sum
	@mkdir -p $(TOOLS)
	@cd .tools && GOWORK=off go build -o $@ $$(awk '/\/$*$$/ { print $$1; exit }' go.mod)
	@touch $@

