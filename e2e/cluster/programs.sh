#!/usr/bin/env bash
# usage: programs.sh
# Bundles each program into one file, dist/main.mjs, and starts it once: an import that bundling
# broke fails here and not in a pod.
source "$(dirname "$0")/env.sh"
cd "$REPO"

# Each program tells that it runs: its usage, or that its configuration cannot be right.
starts() { # starts FOLDER EXPECTED ARGUMENT...
  local folder=$1 expected=$2 output
  shift 2
  output=$(BRIDGE_PORT=none bounded 20 node "$folder/dist/main.mjs" "$@" 2>&1 </dev/null || true)
  grep -q -- "$expected" <<<"$output" || { echo "$folder/dist/main.mjs does not start: $output"; return 1; }
}
smoke() {
  starts bouncer 'serve' --help
  starts injector 'inject' --help
  starts bridge 'Cannot use BRIDGE_PORT'
  starts examples/app 'SECOND_PORT' --help
}

step "programs (rolldown)" rolldown -c rolldown.config.ts
step "programs start" smoke
