#!/usr/bin/env bash
# usage: kubernetes.sh FOLDER PACKAGE...
# Builds programs of the pinned Kubernetes into FOLDER, stamped with its version: kubeadm and the
# API server compare versions, and refuse what calls itself v0.0.0.
source "$(dirname "$0")/env.sh"
folder=$1
shift
cd "$CLUSTER_DIR/modules/kubernetes"
version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
minor=${version#v1.}
stamp=k8s.io/component-base/version
CGO_ENABLED=0 go build -trimpath -tags 'no_btrfs no_devmapper no_zfs no_aufs' \
  -ldflags "-s -w -X $stamp.gitVersion=$version -X $stamp.gitMajor=1 -X $stamp.gitMinor=${minor%%.*}" \
  -o "$folder/" "$@"
