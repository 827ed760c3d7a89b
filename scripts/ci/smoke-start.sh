#!/usr/bin/env bash
# `npm start` as the README says it: the ready line names the address, and SIGTERM ends it with 0. And the program's name is on the path.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=$(mktemp)
trap 'rm -f "$out"' EXIT
# npm hands a signal on to its child only from a terminal, so the broker itself gets it.
npm start --silent > "$out" 2>&1 &
npm=$!
for _ in $(seq 300); do grep -q 'ready' "$out" && break; kill -0 $npm 2> /dev/null || break; sleep 0.1; done
cat "$out"
grep -q '127.0.0.1:9092' "$out"
broker=$(pgrep -P "$(pgrep -P $npm | head -1)" || pgrep -P $npm)
kill -TERM $broker
wait $npm
npx ottla --version
