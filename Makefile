# The verbs of this repository. Recipes are thin: scripts do the work.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
# Versioned folder of the tools (kind, kubectl, helm, opa) that are built where none is installed.
TOOLS = e2e/cluster/tools.sh

.PHONY: help
help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  \033[1m%-14s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##### Every day

.PHONY: setup tools check fix golden
setup: ## pnpm and the packages of the workspace; everything else does this by itself
	@e2e/cluster/workspace.sh

tools: ## kind, kubectl, helm and opa where they are missing; prints the folder for your PATH
	@$(TOOLS) kind kubectl helm opa

check: ## format, lint, types, chart and unit tests with their goldens: run it all day long
	@e2e/test.sh setup format lint types chart unit

fix: setup ## format the code and repair what the linter can
	@oxlint --fix; oxfmt

golden: setup ## write goldens and generated docs anew; read the diff
	@PATH="$$($(TOOLS) helm opa):$$PATH" vitest run --project unit --update

##### Build

.PHONY: build bundles images
build: setup ## bundle each program into one file, and start it once
	@e2e/cluster/programs.sh

bundles: setup ## compile the example policy by opa
	@PATH="$$($(TOOLS) opa):$$PATH" examples/policy/build.sh

images: build ## build the container images
	@e2e/cluster/images.sh

.PHONY: image-size
image-size: build ## build the images, and say what a node downloads for each
	@e2e/cluster/image-size.sh $$(e2e/cluster/images.sh | cut -d= -f2)

##### Test

.PHONY: integration conformance e2e test cluster cluster-down
integration: ## tests with real sockets, files, programs and network namespaces (in a container without root)
	@e2e/test.sh setup integration network

conformance: setup ## OPA's own cases on our engine, by group (CASES="--filter v1/time -v": only some)
	@conformance/run.sh $(CASES)

cluster: setup ## the kind cluster of the end-to-end tests
	@e2e/cluster/cluster.sh up bouncer-test

cluster-down: ## remove that cluster
	@e2e/cluster/cluster.sh down bouncer-test
	@e2e/cluster/engine.sh down

e2e: ## the stories on the test cluster, which is made, or reused as it is
	@e2e/test.sh setup build e2e

test: ## everything: checks, policies, integration, and the stories on a new cluster
	@e2e/test.sh setup format lint types chart unit policy conformance integration network build cluster e2e

##### Measure

.PHONY: bench-injector bench-policy bench-bridge bench-proxy bench-footprint
bench-injector: build ## admissions: latency, throughput, CPU and memory, in 5 minutes (BENCH=--short: in one)
	@node bench/src/injector/main.ts $(BENCH)

bench-bridge: build ## 2,000 bouncers that come back at once, and how long a change takes to the last (BENCH=--short)
	@PATH="$$($(TOOLS) opa):$$PATH" node bench/src/bridge/main.ts $(BENCH)

bench-proxy: build ## requests through the bouncer, beside HAProxy, nginx, Envoy and OPA, in 20 minutes (BENCH=--short: in two)
	@PATH="$$($(TOOLS) opa):$$PATH" node bench/src/proxy/main.ts $(BENCH)

bench-footprint: build ## memory of an idle bouncer, alone and among ten, and the time to its first answer (BENCH=--short)
	@PATH="$$($(TOOLS) opa):$$PATH" node bench/src/footprint/main.ts $(BENCH)

bench-policy: setup ## decisions by size of data, beside opa's evaluator and server, in 5 minutes (BENCH=--short)
	@PATH="$$($(TOOLS) opa):$$PATH" node --max-semi-space-size=4 --v8-pool-size=1 bench/src/policy/main.ts $(BENCH)

##### Demo

.PHONY: demo demo-down
demo: build bundles ## Bouncer on a kind cluster: an allowed and a refused request, and how to go on
	@e2e/demo.sh

demo-down: ## remove everything that the demo made
	@e2e/cluster/cluster.sh down bouncer-demo
	@e2e/cluster/engine.sh down

##### Tidy

.PHONY: clean
clean: ## remove what was built in the checkout; caches stay (~/.cache/bouncer, images in Docker)
	@rm -rf {bouncer,bridge,injector,examples/app,examples/policy}/dist coverage node_modules
