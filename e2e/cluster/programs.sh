#!/usr/bin/env bash
# usage: programs.sh
# Bundles each program, to start at dist/main.mjs, and starts it once: an import that bundling broke
# fails here and not in a pod. bouncer/dist and injector/dist also get launchers, for people's PATH.
source "$(dirname "$0")/env.sh"
cd "$REPO"

# Each program tells that it runs: its usage, or that its configuration cannot be right.
starts() { # starts FOLDER EXPECTED ARGUMENT...
  local folder=$1 expected=$2 output
  shift 2
  output=$(BRIDGE_PORT=none bounded 20 node "$folder/dist/main.mjs" "$@" 2>&1 </dev/null || true)
  grep -q -- "$expected" <<<"$output" || { echo "$folder/dist/main.mjs does not start: $output"; return 1; }
}
launches() { # launches FOLDER NAME EXPECTED ARGUMENT...
  local folder=$1 name=$2 expected=$3 output
  shift 3
  output=$(PATH="$PWD/$folder/dist:$PATH" bounded 20 "$name" "$@" 2>&1 </dev/null || true)
  grep -q -- "$expected" <<<"$output" || { echo "$folder/dist/$name does not run: $output"; return 1; }
}
smoke() {
  starts bouncer 'serve' --help
  starts injector 'inject' --help
  launches bouncer bouncer 'Usage: bouncer eval' eval --help
  launches injector bouncer-injector 'bouncer-injector: ' --help
  launches injector kubectl-bouncer 'kubectl bouncer: ' --help
  launches injector kubectl_complete-bouncer '^explain' exp
  starts bridge 'Cannot use BRIDGE_PORT'
  starts examples/app 'SECOND_PORT' --help
}

# The name that the program finds itself called by is that of the file that node runs.
launcher() { # launcher FOLDER NAME
  install -m 755 injector/src/cli/plugin/launch.sh "$1/dist/$2"
  echo 'import "./main.mjs";' >"$1/dist/$2.mjs"
}
bundle() {
  rolldown -c rolldown.config.ts
  launcher bouncer bouncer
  launcher injector bouncer-injector
  launcher injector kubectl-bouncer
  install -m 755 injector/src/cli/plugin/complete.sh injector/dist/kubectl_complete-bouncer
}

step "programs (rolldown)" bundle
step "programs start" smoke
