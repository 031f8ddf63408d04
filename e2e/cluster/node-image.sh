#!/usr/bin/env bash
# usage: node-image.sh
# Prints the image of a kind node: the published one where a registry answers, else one that is
# built here from Go modules and Debian packages. Built once for each set of versions.
source "$(dirname "$0")/env.sh"
published=kindest/node:v1.34.11 # the 1.34 image of the kind release pinned in modules/tools

# Everything that the built image depends on names it, so that it is never stale.
key=$( (versions_key kubernetes etcd containerd coredns tools; cat "$0" "$CLUSTER_DIR/kubernetes.sh" \
  "$CLUSTER_DIR"/node/*) | sha256 | cut -c1-12)
kubernetes=$(sed -n 's#^\tk8s.io/kubernetes \(v[0-9.]*\).*#\1#p' "$CLUSTER_DIR/modules/kubernetes/go.mod")
built=bouncer-kind-node:$kubernetes-$key
work=$CACHE/node-$(versions_key kubernetes etcd containerd coredns)
debian=bouncer-kind-debian:bookworm

module() { (cd "$CLUSTER_DIR/modules/$1" && go mod download "$2" && go list -m -f "{{.$3}}" "$2"); }
go_build() { # go_build MODULE PACKAGE...
  local module=$1
  shift
  (cd "$CLUSTER_DIR/modules/$module" && CGO_ENABLED=0 go build -trimpath \
    -tags 'no_btrfs no_devmapper no_zfs no_aufs' -ldflags '-s -w' -o "$work/bin/" "$@")
}

build_kubernetes() {
  "$CLUSTER_DIR/kubernetes.sh" "$work/bin" \
    k8s.io/kubernetes/cmd/{kube-apiserver,kube-controller-manager,kube-scheduler,kube-proxy,kubelet,kubeadm,kubectl}
  gcc -Os -static -DVERSION=3.10 -o "$work/bin/pause" \
    "$(module kubernetes k8s.io/kubernetes Dir)/build/pause/linux/pause.c"
}
build_etcd() { go_build etcd go.etcd.io/etcd/server/v3 && mv "$work/bin/server" "$work/bin/etcd"; }
build_containerd() { go_build containerd github.com/containerd/containerd/v2/cmd/{containerd,containerd-shim-runc-v2,ctr}; }
build_coredns() { go_build coredns github.com/coredns/coredns; }

build_debian() { # one file system for the node and for kube-proxy, which needs iptables
  mmdebstrap --variant=minbase --include=bash,ca-certificates,conntrack,containernetworking-plugins,curl,e2fsprogs,ethtool,hostname,iproute2,iptables,jq,kmod,libseccomp2,mount,nftables,pigz,procps,runc,socat,systemd,util-linux \
    bookworm - | docker import - "$debian"
}

control_plane_image() { # control_plane_image NAME BINARY [BASE]
  local context
  context=$(mktemp -d)
  cp "$work/bin/$2" "$context"
  cat >"$context/Dockerfile" <<-DOCKERFILE
	FROM ${3:-scratch}
	ENV PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	COPY $2 /usr/local/bin/
	ENTRYPOINT ["/usr/local/bin/$2"]
	DOCKERFILE
  docker_build -q -t "$1" "$context"
  rm -r "$context"
}

bake() { # bake NAME: the node with the control plane's images in its containerd
  local context images image pause='' node
  mapfile -t images < <("$work/bin/kubeadm" config images list --kubernetes-version "$kubernetes")
  for image in "${images[@]}"; do
    case $image in
      */kube-proxy:*) control_plane_image "$image" kube-proxy "$debian" ;;
      */coredns:*) control_plane_image "$image" coredns ;;
      */pause:*) control_plane_image "$image" pause && pause=$image ;;
      */etcd:*) control_plane_image "$image" etcd ;;
      *) control_plane_image "$image" "$(basename "${image%%:*}")" ;;
    esac
  done

  context=$(mktemp -d)
  cp -r "$(module tools sigs.k8s.io/kind Dir)/images/base/files" "$context/kind"
  chmod -R u+w "$context/kind"
  cp "$CLUSTER_DIR"/node/* "$work"/bin/{containerd,containerd-shim-runc-v2,ctr,kubeadm,kubelet,kubectl} "$context"
  docker_build -q -t "$1-empty" --build-arg "DEBIAN=$debian" --build-arg "KUBERNETES=$kubernetes" \
    --build-arg "PAUSE=$pause" "$context"
  rm -r "$context"

  node=$(docker run -d --privileged --entrypoint sleep "$1-empty" 900)
  # shellcheck disable=SC2064
  trap "docker rm -f $node 2>/dev/null || true" EXIT
  docker exec -d "$node" containerd
  until_ready 30 docker exec "$node" ctr version
  docker save "${images[@]}" |
    docker exec -i "$node" ctr -n k8s.io images import --all-platforms --no-unpack --digests -
  docker exec "$node" sh -c 'kill $(pidof containerd); while pidof containerd; do sleep 0.1; done'
  docker commit --change 'ENTRYPOINT ["/usr/local/bin/entrypoint","/sbin/init"]' "$node" "$1"
  docker rm -f "$node"
  docker rmi "${images[@]}" "$1-empty"
}

build() {
  local part
  command -v go >/dev/null ||
    fail "Cannot pull \"$published\" from a registry, nor build a node: Go is missing (https://go.dev/dl/)"
  can_install || fail "Cannot pull \"$published\" from a registry, and building it needs Debian and root"
  install_packages gcc libc6-dev mmdebstrap jq
  mkdir -p "$work/bin"
  for part in kubernetes etcd containerd coredns; do
    [ -e "$work/$part.built" ] && continue
    step "$part for the kind node (built from source; minutes the first time)" "build_$part"
    touch "$work/$part.built"
  done
  present "$debian" || step "Debian for the kind node" build_debian
  step "node image $built (built from source)" bake "$built"
  # Those of other versions, unless a cluster still runs on them.
  docker images --format '{{.Repository}}:{{.Tag}}' bouncer-kind-node | grep -vx "$built" |
    xargs -r docker rmi >/dev/null 2>&1 || true
}
present() { docker image inspect "$1" >/dev/null 2>&1; }

if present "$published"; then
  echo "$published"
elif present "$built"; then
  echo "$built"
elif "$CLUSTER_DIR/pull.sh" "$published"; then
  echo "$published"
else
  build
  echo "$built"
fi
