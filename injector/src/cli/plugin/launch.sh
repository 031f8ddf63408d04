#!/usr/bin/env bash
# Runs the bundle that lies beside it with node. The name that it is called by says whether it is
# bouncer-injector or the kubectl plugin, kubectl-bouncer.
set -eu

self=${BASH_SOURCE[0]}
while [ -L "$self" ]; do
  link=$(readlink "$self")
  case $link in
    /*) self=$link ;;
    *) self=$(dirname "$self")/$link ;;
  esac
done
bundle=$(cd "$(dirname "$self")" && pwd)/main.mjs

fail() {
  printf 'error: Cannot run %s: %s\n' "${0##*/}" "$1" >&2
  exit 1
}
version=$(node --version 2>/dev/null) || fail 'it needs Node.js 24 or newer, and there is no node in PATH'
major=${version#v}
[ "${major%%.*}" -ge 24 ] 2>/dev/null || fail "it needs Node.js 24 or newer, and node is $version"
[ -f "$bundle" ] || fail "$bundle is not there; make build makes it"

exec -a "${0##*/}" node "$bundle" "$@"
