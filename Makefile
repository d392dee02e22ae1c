# Everything here works on a Debian machine with Go, git and make; `make setup` installs the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help

MODULES = $(shell go list -f '{{.Dir}}' -m)
# Development tools are built once per version, outside the checkout.
TOOLS := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/filmgate/tools-$(shell sha256sum .tools/go.sum | cut -c1-12)
MINIO := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/filmgate/minio-$(shell sha256sum .tools/minio/go.sum | cut -c1-12)/minio
DATA ?= filmgate-data
BIN := .bin
# What `--version` says: the tag, or how far behind it this commit is. Without git the Go toolchain's own record is said.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
LDFLAGS = -X filmgate.dev/pkg/version.version=$(VERSION)

.PHONY: help
help: ## explain the targets (this)
	@echo "Filmgate: photographers upload over SFTP, studios see the photos."
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: build ## run everything in one process, with its data in ./filmgate-data (DATA=… for another)
	@exec $(BIN)/filmgate run --data $(DATA)

.PHONY: build
build: ## build the one binary into .bin/filmgate
	@mkdir -p $(BIN)
	@CGO_ENABLED=0 go build -ldflags "$(LDFLAGS)" -o $(BIN)/filmgate ./services/all-in-one

.PHONY: setup
setup: ## install what the tests need: SFTP clients, PostgreSQL, Chromium, gcc (quiet when they are there)
	@.ci/setup

.PHONY: test
test: setup ## install what is needed, then run every test (under 10 minutes on two cores)
	CGO_ENABLED=0 go test work

.PHONY: race
race: setup ## run the tests of everything concurrent under the race detector
	CGO_ENABLED=1 go test -race $(RACE)

# Where goroutines share memory. The stories run the real binary as a process of its own: nothing to see for -race there.
RACE = $(shell go list work | grep -v -e /all-in-one -e /proto/)

.PHONY: soak
soak: setup ## kill the edge a hundred times at each step of a close (about half an hour)
	cd services/sftp-edge && FILMGATE_KILL_ROUNDS=100 CGO_ENABLED=0 go test -count=1 -timeout 3h -parallel 4 -v -run TestKilledAtEachStep .

FUZZTIME ?= 3m

.PHONY: fuzz
fuzz: ## run every fuzz target, each for FUZZTIME (3m); what it finds stays under testdata/fuzz, to be committed
	@.ci/fuzz $(FUZZTIME)

.PHONY: metrics-check
metrics-check: ## hold every metric that the dashboards and alert rules name against what filmgate serves
	@cd .tools/metrics && GOWORK=off CGO_ENABLED=0 go test -count=1 ./...

.PHONY: bench
bench: build ## measure the product: CPU s/GiB received, photos per CPU s, latency, peak memory (about 5 minutes)
	@CGO_ENABLED=0 go build -o $(BIN)/sftp-edge ./services/sftp-edge/cmd/sftp-edge
	@CGO_ENABLED=0 go run ./services/all-in-one/bench -bin $(BIN)

.PHONY: bench-edge
bench-edge: $(MINIO) ## hold the edge in front of MinIO against OpenSSH's sftp-server on this disk (about 10 minutes; RUN="-n 1 -load one")
	@.ci/setup-bench
	@mkdir -p $(BIN)
	@CGO_ENABLED=0 go build -o $(BIN)/sftp-edge ./services/sftp-edge/cmd/sftp-edge
	@CGO_ENABLED=0 go run ./services/all-in-one/bench edge -bin $(BIN) -minio $(MINIO) $(RUN)

# MinIO is a program beside ours and only for the benchmark: nothing of it (AGPL-3.0) is linked into what we ship.
$(MINIO): .tools/minio/go.mod .tools/minio/go.sum
	@echo "Building MinIO; this takes some minutes, once."
	@mkdir -p $(@D)
	@cd .tools/minio && GOWORK=off CGO_ENABLED=0 go build -o $@ github.com/minio/minio
	@touch $@

.PHONY: lint
lint: $(TOOLS)/golangci-lint ## run the linters over every module
	@for m in $(MODULES); do (cd $$m && $(TOOLS)/golangci-lint run --config $(CURDIR)/.golangci.yml ./...) || exit 1; done

.PHONY: generate
generate: $(TOOLS)/buf $(TOOLS)/protoc-gen-go $(TOOLS)/protoc-gen-go-grpc ## write the generated code: protos, event schemas, the SDK's types
	@cd proto && PATH=$(TOOLS):$$PATH buf generate
	@cd pkg && go generate ./...
	@cd pkg/photoevents && go generate ./...

.PHONY: tidy
tidy: ## bring go.mod, go.sum and go.work.sum in step
	@for m in $(MODULES); do (cd $$m && GOWORK=off go mod tidy) || exit 1; done
	@go work sync

.PHONY: verify
verify: $(TOOLS)/buf lint ## check that generated code is in step, contracts compatible, every module whole by itself, and nothing vulnerable
	@.ci/verify $(TOOLS)

$(TOOLS)/%: .tools/go.mod .tools/go.sum
	@mkdir -p $(TOOLS)
	@cd .tools && GOWORK=off CGO_ENABLED=0 go build -o $@ $$(awk '/\/$*$$/ { print $$1; exit }' go.mod)
	@touch $@

