#!/usr/bin/env bash
# usage: engine.sh up|down
# A Docker engine: the one that answers, or, on Debian as root, one that this script installs and
# starts. `down` stops only an engine that `up` started, and only when nothing runs in it any more.
source "$(dirname "$0")/env.sh"
pid_file=$CACHE/engine.pid
log_file=$CACHE/engine.log
runtime=/usr/local/libexec/bouncer/runc-fit

# The first docker client on PATH that gets on with the engine: an old one may shadow a good one.
answering_client() {
  local client
  while read -r client; do
    bounded 20 "$client" version --format '{{.Server.Version}}' >/dev/null 2>&1 || continue
    printf '%s\n' "$client"
    return 0
  done < <(type -ap docker)
  return 1
}

use_client() {
  local client first
  client=$(answering_client) || return 1
  first=$(type -p docker)
  [ "$client" = "$first" ] && return 0
  mkdir -p "$TOOLS" && ln -sf "$client" "$TOOLS/docker"
}

is_ours() { # the pid file may have outlived a restart of the machine
  [ -s "$pid_file" ] && [ "$(cat "/proc/$(cat "$pid_file")/comm" 2>/dev/null)" = dockerd ]
}

start() {
  local options=()
  if ! has_sys_resource; then
    install_packages jq
    # Not in the cache: the engine needs it for as long as it runs, and caches get deleted.
    install -D -m 0755 "$CLUSTER_DIR/node/runc-fit" "$runtime"
    options=(--add-runtime "fit=$runtime" --default-runtime fit)
  fi
  # In a session of its own: the engine outlives the script and a Ctrl-C in its terminal.
  setsid nohup dockerd ${options[@]+"${options[@]}"} >"$log_file" 2>&1 </dev/null &
  echo "$!" >"$pid_file"
  until_ready 60 answering_client || { tail -n 20 "$log_file"; return 1; }
}

up() {
  use_client && return 0
  [ -z "${DOCKER_HOST:-}" ] || fail "Cannot reach the Docker engine at DOCKER_HOST=\"$DOCKER_HOST\""
  can_install ||
    fail "No Docker engine answers. Start Docker (https://docs.docker.com/get-docker/) and try again"
  mkdir -p "$CACHE"
  install_packages docker.io containerd runc iptables ca-certificates
  if [ -d /run/systemd/system ]; then
    step "Docker engine (systemctl start docker)" systemctl start docker
    until_ready 30 answering_client || fail "The docker service runs, but no client gets an answer from it"
  elif ! is_ours || ! until_ready 20 answering_client; then
    step "Docker engine (dockerd, log in $log_file)" start
  fi
  use_client
}

down() {
  is_ours || return 0
  if [ -n "$(docker ps -q)" ]; then
    say "==> Docker engine goes on: other containers run in it"
    return 0
  fi
  step "Docker engine stops" stop
}
stop() {
  kill "$(cat "$pid_file")"
  until_ready 30 gone && rm -f "$pid_file"
}
gone() { ! is_ours; }

case ${1:-} in
  up | down) "$1" ;;
  *) fail "usage: engine.sh up|down" ;;
esac
