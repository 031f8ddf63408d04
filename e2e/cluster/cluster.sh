#!/usr/bin/env bash
# usage: cluster.sh up|down|kubeconfig NAME
# A kind cluster of one node. `up` reuses a healthy one, wakes one that an engine's restart left
# asleep, and replaces one that is broken or of other versions. Its kubeconfig is a file of its
# own in the cache (`kubeconfig` prints where): ~/.kube/config is never touched.
source "$(dirname "$0")/env.sh"
verb=${1:-} name=${2:?usage: cluster.sh up|down|kubeconfig NAME}
node=$name-control-plane
kubeconfig=$CACHE/clusters/$name/kubeconfig
complete=$CACHE/clusters/$name/complete # what an aborted `up` leaves behind lacks this

healthy() {
  kubectl --kubeconfig "$kubeconfig" --request-timeout 5s get --raw /readyz &&
    kubectl --kubeconfig "$kubeconfig" --request-timeout 5s wait --for condition=Ready --timeout 1s node/"$node" &&
    kubectl --kubeconfig "$kubeconfig" --request-timeout 5s -n kube-system \
      rollout status --timeout 1s deployment/coredns
}

is_made_of() { # is_made_of IMAGE
  [ -e "$complete" ] && [ "$(docker inspect -f '{{.Config.Image}}' "$node" 2>/dev/null)" = "$1" ]
}
wake() { docker start "$node" && until_ready 60 healthy; }

configuration() { # configuration IMAGE
  local own_network=true family=ipv4
  case $1 in kindest/*) own_network=false ;; esac # the published image brings kindnet
  if [ "$(cat /proc/sys/net/ipv6/conf/all/disable_ipv6 2>/dev/null || echo 0)" = 0 ]; then family=dual; fi
  cat <<-YAML
	kind: Cluster
	apiVersion: kind.x-k8s.io/v1alpha4
	networking:
	  ipFamily: $family
	  disableDefaultCNI: $own_network
	kubeadmConfigPatches:
	  - |
	    kind: KubeletConfiguration
	    # How soon a changed ConfigMap is seen by the pods that mount it (a minute by default).
	    syncFrequency: 5s
	YAML
}

create() { # create IMAGE
  local image=$1
  rm -f "$complete"
  kind delete cluster --name "$name" --kubeconfig "$kubeconfig"
  configuration "$image" |
    kind create cluster --name "$name" --image "$image" --config - --kubeconfig "$kubeconfig" --wait 180s
  # One node: a second replica protects from nothing, and takes a tenth of a core of two.
  kubectl --kubeconfig "$kubeconfig" -n kube-system scale deployment/coredns --replicas 1
  until_ready 120 healthy
  touch "$complete"
}

up() {
  local image
  "$CLUSTER_DIR/engine.sh" up
  "$CLUSTER_DIR/tools.sh" kind kubectl >/dev/null
  image=$("$CLUSTER_DIR/node-image.sh")
  mkdir -p "$(dirname "$kubeconfig")"
  if is_made_of "$image"; then
    if healthy >/dev/null 2>&1; then
      say "==> cluster $name is up"
      return 0
    fi
    step "cluster $name wakes up" wake && return 0
  fi
  step "cluster $name (kind, $image)" create "$image"
}

down() {
  bounded 20 docker version >/dev/null 2>&1 || { say "==> cluster $name: no Docker engine runs"; return 0; }
  "$CLUSTER_DIR/tools.sh" kind >/dev/null
  step "cluster $name removed" kind delete cluster --name "$name" --kubeconfig "$kubeconfig"
  rm -rf "$(dirname "$kubeconfig")"
}

case $verb in
  up | down) "$verb" ;;
  kubeconfig) echo "$kubeconfig" ;;
  *) fail "usage: cluster.sh up|down|kubeconfig NAME" ;;
esac
