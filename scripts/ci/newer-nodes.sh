#!/usr/bin/env bash
# What depends most on Node's version (files, sockets, codecs: the newer ones have a zstd of their own) on those that do not run everything else.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
platform=node-linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')
for version in 22 24; do
  npm install --silent --no-audit --no-fund --prefix "$folder/$version" "$platform@$version" > /dev/null
  node=$folder/$version/node_modules/$platform/bin/node
  printf '\nNode %s\n' "$("$node" --version)"
  "$node" scripts/test.js packages/base packages/records packages/network > "$folder/output" || { cat "$folder/output"; exit 1; }
  grep -E '^ℹ (tests|pass|fail|skipped) ' "$folder/output"
done
