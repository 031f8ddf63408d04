#!/usr/bin/env bash
# usage: run.sh [OPTION...]      (options of src/main.ts: --help lists them)
# Compiles OPA's conformance cases into the cache, once per version, and runs them on our engine.
source "$(dirname "$0")/../e2e/cluster/env.sh"
cd "$REPO/conformance"

key=$(cat compile/go.mod compile/go.sum compile/main.go | sha256 | cut -c1-12)
cases=$CACHE/conformance-$key

compile_cases() {
  local opa
  cd compile
  go mod download github.com/open-policy-agent/opa
  opa=$(go list -m -f '{{.Dir}}' github.com/open-policy-agent/opa)
  CGO_ENABLED=0 go run . -opa "$opa" -out "$new"
}

if [ ! -d "$cases" ]; then
  command -v go >/dev/null ||
    fail "Cannot compile OPA's conformance cases: they are in OPA's Go module, and Go is not on PATH. Get it at https://go.dev/dl/"
  mkdir -p "$CACHE"
  new=$(mktemp -d "$CACHE/.conformance.XXXXXX")
  trap 'rm -rf "$new"' EXIT
  step "OPA's conformance cases (compiled by Go, 700 MB)" compile_cases
  mv "$new" "$cases"
fi
exec node --expose-gc src/main.ts "$@" "$cases"
