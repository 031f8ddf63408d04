#!/usr/bin/env bash
# Runs the program that lies beside it, under the same name and .mjs, with node.
set -eu

self=${BASH_SOURCE[0]}
while [ -L "$self" ]; do
  link=$(readlink "$self")
  case $link in
    /*) self=$link ;;
    *) self=$(dirname "$self")/$link ;;
  esac
done
program=$(cd "$(dirname "$self")" && pwd)/${self##*/}.mjs

fail() {
  printf 'error: Cannot run %s: %s\n' "${self##*/}" "$1" >&2
  exit 1
}
version=$(node --version 2>/dev/null) || fail 'it needs Node.js 24 or newer, and there is no node in PATH'
major=${version#v}
[ "${major%%.*}" -ge 24 ] 2>/dev/null || fail "it needs Node.js 24 or newer, and node is $version"

exec node "$program" "$@"
