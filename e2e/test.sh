#!/usr/bin/env bash
# usage: test.sh STEP...
# Runs the steps one after the other, each to its end even when one before it failed, then tells
# how long each took and closes with one line that sums up all of them: "N passed, N failed".
source "$(dirname "$0")/cluster/env.sh"
cd "$REPO"
export CI=true # goldens are compared, not written
cluster=bouncer-test
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
passed=0 failed=0 table=''

tools() { "$CLUSTER_DIR/tools.sh" "$@" >/dev/null; }
report() { echo --reporter default --reporter json --outputFile.json="$results/$1.json"; }
# shellcheck disable=SC2046 # words are what is wanted
suite() { vitest run --project "$1" $(report "$1"); }

setup() { "$CLUSTER_DIR/workspace.sh"; }
format() { oxfmt --check; }
lint() { bounded 300 oxlint; }
types() { tsc; }
chart() { tools helm && helm lint --strict charts/bouncer-injector; }
unit() { tools helm opa && suite unit; }
policy() { tools opa && opa test --verbose examples/policy/*.rego examples/policy/data.json | tee "$results/policy.txt"; }
conformance() { "$REPO/conformance/run.sh" --summary "$results/conformance.json"; }
integration() {
  tools opa registry versitygw h2spec
  if can_install; then install_packages openssl; fi
  examples/policy/build.sh
  suite integration
}
# shellcheck disable=SC2046
network() { e2e/network.sh "$results" $(report network); }
build() { "$CLUSTER_DIR/programs.sh"; }
# A new cluster: whatever an aborted run may have left in the old one cannot matter.
cluster() { "$CLUSTER_DIR/cluster.sh" down "$cluster" && "$CLUSTER_DIR/with.sh" "$cluster" true; }
# shellcheck disable=SC2046
e2e() { "$CLUSTER_DIR/with.sh" "$cluster" vitest run --project e2e $(report e2e); }

# count STEP STATUS: a suite counts its tests, any other step is one check. A step that failed
# without a failed test (a crash, a broken import) is one failure. What is known to fail is told,
# and is neither.
count() {
  local name=$1 status=$2 good=0 bad=0 known=0
  if [ -s "$results/$name.json" ]; then
    good=$(json_number numPassedTests "$results/$name.json")
    bad=$(json_number numFailedTests "$results/$name.json")
    known=$(json_number numKnownTests "$results/$name.json" || echo 0)
  elif [ -s "$results/$name.txt" ]; then
    good=$(grep -c ': PASS' "$results/$name.txt" || true)
    bad=$(grep -Ec ': (FAIL|ERROR)' "$results/$name.txt" || true)
  elif [ "$status" -eq 0 ]; then
    good=1
  fi
  if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
  passed=$((passed + good)) failed=$((failed + bad))
  table+=$(printf '%-12s %8s %6d passed %4d failed' "$name" "$(elapsed "$3")" "$good" "$bad")
  [ "$known" -eq 0 ] || table+=" ($known known to fail)"
  table+=$'\n'
}
json_number() { grep -o "\"$1\":[0-9]*" "$2" | head -n 1 | grep -o '[0-9]*$'; }

for name in "$@"; do
  say "==> $name"
  start=$SECONDS
  set +e # as in env.sh's step: errexit stays on inside the function
  (set -e; "$name")
  status=$?
  set -e
  count "$name" "$status" $((SECONDS - start))
  # Without packages there is nothing that could run.
  [ "$name" != setup ] || [ "$status" -eq 0 ] || break
done

printf '\n%s\ntotal %s\n%d passed, %d failed\n' "$table" "$(elapsed "$SECONDS")" "$passed" "$failed"
[ "$failed" -eq 0 ]
