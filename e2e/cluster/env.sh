# Sourced by every script of this folder: the cache folder, the PATH with the tools in it, and
# how progress is told. Everything goes to stderr; stdout belongs to a script's answer.
# shellcheck shell=bash
set -euo pipefail

CLUSTER_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
REPO=$(cd "$CLUSTER_DIR/../.." && pwd)
CACHE=${BOUNCER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/bouncer}

# Changes with the pinned versions of MODULE..., so that a new pin is a new folder of the cache.
versions_key() {
  (cd "$CLUSTER_DIR/modules" && for module in "$@"; do cat "$module/go.mod" "$module/go.sum"; done) |
    sha256 | cut -c1-12
}
sha256() { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi; }

TOOLS=$CACHE/tools-$(versions_key tools kubernetes)
SERVERS=$CACHE/servers-$(versions_key servers)
CHECKS=$CACHE/checks-$(versions_key checks)
export PATH="$TOOLS:$SERVERS:$CHECKS:$REPO/node_modules/.bin:$PATH"

elapsed() { printf '%dm%02ds' $(($1 / 60)) $(($1 % 60)); }
say() { printf '%s\n' "$*" >&2; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# step TITLE COMMAND...: says what is done before it is done, and how long it took after it. The
# command's own output goes to a log that is shown when it fails.
step() {
  local title=$1 log start=$SECONDS status
  shift
  mkdir -p "$CACHE/log"
  log=$(mktemp "$CACHE/log/step.XXXXXX")
  say "==> $title ..."
  set +e # not `|| status=$?`: that would switch errexit off inside a function, too
  (set -e; "$@") >"$log" 2>&1
  status=$?
  set -e
  if [ "$status" -ne 0 ]; then
    tail -n 40 "$log" >&2
    say "==> $title FAILED after $(elapsed $((SECONDS - start))) (whole log: $log)"
    return "$status"
  fi
  rm -f "$log"
  say "==> $title $(elapsed $((SECONDS - start)))"
}

# until_ready SECONDS COMMAND...: polls, because the thing that starts has no event to wait for.
until_ready() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.3
  done
}

bounded() { # bounded SECONDS COMMAND...; macOS has no timeout(1)
  if command -v timeout >/dev/null; then timeout "$@"; else shift && "$@"; fi
}

# Debian as root is the one system where the scripts install what they miss.
can_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }
install_packages() { # install_packages PACKAGE...: those which are missing
  local package missing=()
  for package in "$@"; do
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
      missing+=("$package")
  done
  [ "${#missing[@]}" -eq 0 ] || step "packages ${missing[*]}" apt_install "${missing[@]}"
}
apt_install() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q || true # one broken third-party source must not stop the others
  apt-get install -y -q --no-install-recommends "$@"
}

# Some sandboxes take CAP_SYS_RESOURCE (bit 24) away from root.
has_sys_resource() {
  local bounding
  bounding=$(sed -n 's/^CapBnd:\s*//p' /proc/self/status 2>/dev/null)
  [ -z "$bounding" ] || [ $(((0x$bounding >> 24) & 1)) = 1 ]
}

# Debian packages no buildx, without which a newer client refuses BuildKit. Attestations would make
# an index of the image, which `kind load` does not take from every engine.
docker_build() {
  if docker buildx version >/dev/null 2>&1; then
    BUILDX_NO_DEFAULT_ATTESTATIONS=1 docker build --load "$@"
  else
    DOCKER_BUILDKIT=0 docker build "$@"
  fi
}
