#!/usr/bin/env bash
# Installs other people's clients for the tests under tests/foreign: Python's kafka-python and aiokafka in an environment of their own,
# a program around Go's franz-go, and, with OTTLA_FOREIGN_RDKAFKA=1, node-rdkafka, which compiles for minutes. What is there is kept.
set -euo pipefail
cd "$(dirname "$0")/.."
cache=${OTTLA_FOREIGN_CACHE:-$HOME/.cache/ottla-foreign}
mkdir -p "$cache"

if command -v python3 > /dev/null; then
  [ -x "$cache/python/bin/python" ] || python3 -m venv "$cache/python"
  "$cache/python/bin/python" -m pip install -q --disable-pip-version-check -r tests/foreign/python/requirements.txt
else
  echo "python3 is missing: no kafka-python, no aiokafka" >&2
fi

if command -v go > /dev/null; then
  (cd tests/foreign/go && go build -o "$cache/go-client" .)
else
  echo "go is missing: no franz-go" >&2
fi

if [ "${OTTLA_FOREIGN_RDKAFKA:-}" = 1 ] && [ ! -e "$cache/node-rdkafka/node_modules/node-rdkafka/build/Release/node-librdkafka.node" ]; then
  mkdir -p "$cache/node-rdkafka"
  timeout 900 npm install --silent --no-audit --no-fund --ignore-scripts=false --prefix "$cache/node-rdkafka" node-rdkafka@3 \
    || echo "node-rdkafka does not build here" >&2
fi
