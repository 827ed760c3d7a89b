#!/usr/bin/env bash
# Strangers' clients against our broker, compared with what passes on Apache Kafka 3.9. Two brokers side by side: the suites change
# settings of the whole broker.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
conformance=${OTTLA_SHARED:-$PWD/../shared}/conformance
work=$(mktemp -d)
pids=()
trap 'for pid in "${pids[@]}"; do kill "$pid" 2> /dev/null; done; wait; rm -rf "$work"' EXIT

start() { # NAME → port in $port
  local name=$1 out=$work/$1.out
  node packages/ottla/dist/main.js start --override listeners=PLAINTEXT://127.0.0.1:0 --override "log.dirs=$work/$name" > "$out" 2>&1 &
  pids+=($!)
  for _ in $(seq 100); do grep -q ready "$out" && break; sleep 0.1; done
  port=$(sed -nE 's/.*127\.0\.0\.1:([0-9]+).*/\1/p' "$out" | head -1)
  [ -n "$port" ] || { echo "broker $name did not start:"; cat "$out"; return 1; }
}

suite() { # RUNNER NAME ARGUMENTS…   the verdict is compare.sh's, not the runner's count of failures; results and baseline go by NAME
  local runner=$1 name=$2; shift 2
  SUITES_OUT=$work/out-$name "$conformance/$runner.sh" "$@" > "$work/$name.txt" 2>&1
  grep -E "^FAIL|^SKIP|passed," "$work/$name.txt"
  wanted "$conformance/baseline/$name-k39.txt" > "$work/wanted-$name.txt"
  "$conformance/compare.sh" "$work/out-$name/$name.txt" "$work/wanted-$name.txt"
}

# What this broker cannot have: a quorum belongs to KRaft.
wanted() { grep -vE "^PASS ($NOT_OURS)" "$1"; }
NOT_OURS='cluster\.quorum-'

java_tools() { suite java-tools "java-tools-$2" "127.0.0.1:$1" "$2"; } # PORT VERSION
others() {
  local rc=0 name
  for name in kcat confluent-python; do suite $name $name "127.0.0.1:$1" || rc=1; done
  return $rc
}

start one && one=$port && start two && two=$port || exit 1
{ others "$one" && java_tools "$one" 2.8.2; } > "$work/one.log" 2>&1 & left=$!
java_tools "$two" 4.2.0 > "$work/two.log" 2>&1; right=$?
wait $left; left=$?
cat "$work/one.log" "$work/two.log"
for pid in "${pids[@]}"; do kill -0 "$pid" 2> /dev/null || { echo "a broker died"; tail -20 "$work"/*.out; exit 1; }; done
grep -hE '"level":(50|60)|ERROR|FATAL' "$work"/*.out | head -20
[ $left = 0 ] && [ $right = 0 ]
