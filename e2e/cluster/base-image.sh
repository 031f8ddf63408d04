#!/usr/bin/env bash
# usage: base-image.sh
# The base that the Dockerfiles name: present, or pulled, or a stand-in under the same name made
# of Debian and the Node that is installed for development anyway. Prints its name.
source "$(dirname "$0")/env.sh"
image=node:24-bookworm-slim
debian=bouncer-debian:bookworm-slim
label=dev.bouncer.stand-in
version=$("$REPO/node_modules/node/bin/node" --version)

build_debian() { # without manuals and translations, as the published slim image is
  local folder options=()
  for folder in doc info locale man; do options+=("--dpkgopt=path-exclude=/usr/share/$folder/*"); done
  mmdebstrap --variant=minbase "${options[@]}" bookworm - | docker import - "$debian"
}
stand_in() {
  local context
  context=$(mktemp -d)
  cp -L "$REPO/node_modules/node/bin/node" "$context/node"
  cat >"$context/Dockerfile" <<-DOCKERFILE
	FROM $debian
	LABEL $label=$version
	ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	COPY node /usr/local/bin/
	RUN node --version && groupadd --gid 1000 node && useradd --uid 1000 --gid node --create-home node
	CMD ["node"]
	DOCKERFILE
  docker_build -q -t "$image" "$context"
  rm -r "$context"
}

# A stand-in from before the workspace took another Node is as good as none.
stale() {
  local made_of
  made_of=$(docker image inspect -f "{{index .Config.Labels \"$label\"}}" "$image" 2>/dev/null)
  [ -n "$made_of" ] && [ "$made_of" != "$version" ]
}

if stale || ! "$CLUSTER_DIR/pull.sh" "$image"; then
  can_install || fail "Cannot pull \"$image\" from a registry, and a stand-in needs Debian and root"
  install_packages mmdebstrap
  docker image inspect "$debian" >/dev/null 2>&1 || step "Debian for the images" build_debian
  step "$image (stand-in from the npm package of Node)" stand_in
fi
echo "$image"
