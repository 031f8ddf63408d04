#!/usr/bin/env bash
# usage: image-size.sh IMAGE...
# What a node downloads for each image: its layers as registries keep them, by gzip -6.
source "$(dirname "$0")/env.sh"

measure() { # measure IMAGE
  local folder layer bytes=0
  folder=$(mktemp -d)
  docker save "$1" | tar -x -C "$folder"
  for layer in $(grep -o '"Layers":\[[^]]*\]' "$folder/manifest.json" | grep -o '[^",]*/[^",]*'); do
    bytes=$((bytes + $(gzip -dcf "$folder/$layer" | gzip -6 | wc -c)))
  done
  rm -r "$folder"
  printf '%-40s %6.1f MB\n' "$1" "$(awk -v bytes="$bytes" 'BEGIN { print bytes / 1000000 }')"
}

for image in "$@"; do measure "$image"; done
