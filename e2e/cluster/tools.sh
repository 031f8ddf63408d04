#!/usr/bin/env bash
# usage: tools.sh TOOL...      (kind kubectl helm opa registry versitygw h2spec)
# Makes sure that each tool is there: one on PATH that is new enough, else built by Go from the
# versions pinned in modules/, into the cache. Prints the folders to put first on PATH. Two are
# servers that tests start: a registry, and a store that speaks S3. The last holds servers against
# the RFCs of HTTP/2.
source "$(dirname "$0")/env.sh"

# TOOL -> the oldest version that will do, and where to get it
minimum() {
  case $1 in
    kind) echo 0.24.0 ;; kubectl) echo 1.29.0 ;; helm) echo 3.17.0 ;; opa) echo 1.22.0 ;;
    registry) echo 3.0.0 ;; versitygw) echo 1.0.0 ;; h2spec) echo 2.2.1 ;;
  esac
}
home_page() {
  case $1 in
    kind) echo https://kind.sigs.k8s.io/docs/user/quick-start/#installation ;;
    kubectl) echo https://kubernetes.io/docs/tasks/tools/ ;;
    helm) echo https://helm.sh/docs/intro/install/ ;;
    opa) echo https://www.openpolicyagent.org/docs#1-download-opa ;;
    registry) echo https://distribution.github.io/distribution ;;
    versitygw) echo https://github.com/versity/versitygw ;;
    h2spec) echo https://github.com/summerwind/h2spec ;;
  esac
}
found_version() {
  case $1 in
    kind) kind version ;;
    kubectl) kubectl version --client ;;
    helm) helm version --short ;;
    opa) opa version ;;
    # Built without a version stamped in; any other program of these names is not ours to trust.
    registry | versitygw) [ "$(command -v "$1")" = "$SERVERS/$1" ] && minimum "$1" ;;
    h2spec) [ "$(command -v "$1")" = "$CHECKS/$1" ] && minimum "$1" ;;
  esac 2>/dev/null | grep -Eo '[0-9]+\.[0-9]+(\.[0-9]+)?' | head -n 1
}
new_enough() {
  local found
  command -v "$1" >/dev/null && found=$(found_version "$1") && [ -n "$found" ] &&
    printf '%s\n%s\n' "$(minimum "$1")" "$found" | sort -V -C
}

build() { # build TOOL
  local module=tools folder=$TOOLS package directory
  case $1 in
    kind) package=sigs.k8s.io/kind ;;
    helm) package=helm.sh/helm/v4/cmd/helm ;;
    opa) package=github.com/open-policy-agent/opa ;;
    kubectl) package=k8s.io/kubernetes/cmd/kubectl module=kubernetes ;;
    registry) package=github.com/distribution/distribution/v3/cmd/registry module=servers ;;
    versitygw) package=github.com/versity/versitygw/cmd/versitygw module=servers ;;
    h2spec) package=github.com/summerwind/h2spec/cmd/h2spec module=checks ;;
  esac
  case $module in servers) folder=$SERVERS ;; checks) folder=$CHECKS ;; esac
  directory=$(mktemp -d "$folder/.build.XXXXXX")
  if [ "$module" = kubernetes ]; then
    "$CLUSTER_DIR/kubernetes.sh" "$directory" "$package"
  else
    (cd "$CLUSTER_DIR/modules/$module" && CGO_ENABLED=0 go build -o "$directory/" "$package")
  fi
  mv "$directory/$1" "$folder/$1"
  rmdir "$directory"
}

mkdir -p "$TOOLS" "$SERVERS" "$CHECKS"
for tool in "$@"; do
  [ -n "$(minimum "$tool")" ] || fail "Cannot get \"$tool\": known tools are kind, kubectl, helm, opa, registry, versitygw and h2spec"
  new_enough "$tool" && continue
  command -v go >/dev/null ||
    fail "Cannot find $tool $(minimum "$tool") or newer on PATH, nor Go to build it. Get $tool at $(home_page "$tool")"
  step "$tool (built from source by Go)" build "$tool"
done
echo "$TOOLS:$SERVERS:$CHECKS"
