#!/usr/bin/env bash
# usage: network.sh WRITABLE [VITEST_ARGUMENT...]
# Runs the tests that make network namespaces: here as root on Linux, else as root in a container,
# which sees the checkout read-only and may write to the folder WRITABLE.
source "$(dirname "$0")/cluster/env.sh"
writable=${1:?usage: network.sh WRITABLE [VITEST_ARGUMENT...]}
shift
cd "$REPO"

if [ "$(uname -s)" = Linux ] && [ "$(id -u)" = 0 ]; then
  if can_install; then install_packages iptables iproute2; fi
  exec vitest run --project network "$@"
fi

"$CLUSTER_DIR/engine.sh" up
image=bouncer-network-test
base=$("$CLUSTER_DIR/base-image.sh")
step "image $image" docker_build -q -t "$image" - <<DOCKERFILE
FROM $base
RUN apt-get update \\
 && apt-get install -y --no-install-recommends iptables iproute2 util-linux \\
 && rm -rf /var/lib/apt/lists/*
DOCKERFILE
exec docker run --rm --init --privileged -e CI -v "$REPO:$REPO:ro" -v "$writable:$writable" -w "$REPO" \
  "$image" node node_modules/vitest/vitest.mjs run --configLoader native --project network "$@"
