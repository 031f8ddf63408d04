#!/usr/bin/env bash
# usage: workspace.sh
# The packages that everything else runs on: pnpm, pinned, from npm into the cache (the machine's
# own Node and npm do nothing more than this), then the workspace as its lockfile says.
source "$(dirname "$0")/env.sh"
version=12.21.0
pnpm=$CACHE/pnpm-$version
stamp=$REPO/node_modules/.workspace

up_to_date() {
  [ -e "$stamp" ] &&
    [ -z "$(cd "$REPO" && find pnpm-lock.yaml pnpm-workspace.yaml package.json ./*/package.json examples/*/package.json -newer "$stamp")" ]
}
get_pnpm() { # into place in one move, so that an aborted run leaves nothing half done
  local directory
  directory=$(mktemp -d "$CACHE/.pnpm.XXXXXX")
  npm install --prefix "$directory" --no-fund --no-audit "pnpm@$version"
  rm -rf "$pnpm"
  mv "$directory" "$pnpm"
}
install_packages_of_workspace() {
  cd "$REPO"
  # CI: nobody is there to be asked whether modules of another version may be replaced.
  CI=true "$pnpm/node_modules/.bin/pnpm" install --frozen-lockfile
  touch "$stamp"
}

command -v npm >/dev/null || fail "Cannot find npm on PATH. Get Node at https://nodejs.org/"
mkdir -p "$CACHE"
[ -x "$pnpm/node_modules/.bin/pnpm" ] || step "pnpm $version" get_pnpm
up_to_date || step "packages of the workspace" install_packages_of_workspace
