#!/usr/bin/env bash
# usage: pull.sh IMAGE
# Succeeds when IMAGE is in the engine, pulling it when a registry answers. Gives up within
# seconds when none does, and remembers that for an hour: what is built instead is as good.
source "$(dirname "$0")/env.sh"
image=$1
silent=$CACHE/no-registry

docker image inspect "$image" >/dev/null 2>&1 && exit 0
[ -z "$(find "$silent" -mmin -60 2>/dev/null)" ] || exit 1

mkdir -p "$CACHE"
log=$(mktemp "$CACHE/pull.XXXXXX")
trap 'rm -f "$log"' EXIT
start=$SECONDS
docker pull "$image" >"$log" 2>&1 &
pull=$!
# shellcheck disable=SC2317 # called by until_ready
answered() { grep -q 'Pulling from' "$log" || ! kill -0 "$pull" 2>/dev/null; }
until_ready 8 answered || true
if grep -q 'Pulling from' "$log"; then
  say "==> $image (pulled) ..."
  if wait "$pull"; then
    say "==> $image (pulled) $(elapsed $((SECONDS - start)))"
    exit 0
  fi
fi
kill "$pull" 2>/dev/null || true
wait "$pull" 2>/dev/null || true
say "==> $image: no registry answers ($(tail -n 1 "$log"))"
touch "$silent"
exit 1
