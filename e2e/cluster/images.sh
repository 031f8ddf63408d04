#!/usr/bin/env bash
# usage: images.sh [CLUSTER]
# Builds the images of the bundled programs, tagged by what goes into them, so that what is there
# is never built or loaded again; loads them into CLUSTER's node. Prints NAME=IMAGE lines.
source "$(dirname "$0")/env.sh"
cluster=${1:-}

"$CLUSTER_DIR/engine.sh" up
[ -d "$REPO/bouncer/dist" ] || fail "Cannot build images: the programs are not bundled (make build)"
base=$("$CLUSTER_DIR/base-image.sh")
base_id=$(docker image inspect -f '{{.Id}}' "$base")

image() { # image NAME DOCKERFILE PROGRAM...
  local name=$1 tag
  shift
  tag=$( (cd "$REPO" && echo "$base_id" && cat .dockerignore "$@") | sha256 | cut -c1-12)
  docker image inspect "$name:$tag" >/dev/null 2>&1 ||
    step "image $name:$tag" docker_build -q --build-arg "BASE=$base" -t "$name:$tag" -f "$REPO/$1" "$REPO"
  echo "$name:$tag"
}

load() { # load IMAGE...: those that the node does not have
  local present image missing=()
  present=$(docker exec "$cluster-control-plane" ctr -n k8s.io images ls -q)
  for image in "$@"; do
    grep -qx "docker.io/library/$image" <<<"$present" || missing+=("$image")
  done
  [ "${#missing[@]}" -eq 0 ] ||
    step "images into cluster $cluster" kind load docker-image --name "$cluster" "${missing[@]}"
}

# shellcheck disable=SC2046 # words are what is wanted
bouncer=$(image bouncer bouncer/Dockerfile bouncer/image.sh $(cd "$REPO" && ls bouncer/dist/*.mjs))
injector=$(image bouncer-injector injector/Dockerfile injector/dist/main.mjs $(cd "$REPO" && ls bridge/dist/*.mjs))
app=$(image bouncer-example-app examples/app/Dockerfile examples/app/dist/main.mjs)
[ -z "$cluster" ] || load "$bouncer" "$injector" "$app"
printf '%s\n' "BOUNCER_IMAGE=$bouncer" "BOUNCER_INJECTOR_IMAGE=$injector" "BOUNCER_EXAMPLE_APP_IMAGE=$app"
