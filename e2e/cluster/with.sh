#!/usr/bin/env bash
# usage: with.sh CLUSTER COMMAND...
# Runs COMMAND with the cluster up, the images on its node, and both named in the environment.
source "$(dirname "$0")/env.sh"
cluster=${1:?usage: with.sh CLUSTER COMMAND...}
shift
"$CLUSTER_DIR/cluster.sh" up "$cluster"
"$CLUSTER_DIR/tools.sh" helm opa >/dev/null
images=$("$CLUSTER_DIR/images.sh" "$cluster")
KUBECONFIG=$("$CLUSTER_DIR/cluster.sh" kubeconfig "$cluster")
export KUBECONFIG
while IFS= read -r image; do export "${image?}"; done <<<"$images"
exec "$@"
