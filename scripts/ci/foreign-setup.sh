#!/usr/bin/env bash
# Installs what the tests with other people's clients need: Java and Maven, Python, Go, kcat, and Apache Kafka's own jars.
set -euo pipefail
cd "$(dirname "$0")/../.."
shared=${OTTLA_SHARED:-$PWD/../shared}
need() { # COMMAND DEBIAN_PACKAGE
  command -v "$1" > /dev/null && return
  [ -n "${apt_updated:-}" ] || { apt-get update -q > /dev/null; apt_updated=1; }
  apt-get install -y -q "$2" > /dev/null
}
need java openjdk-17-jre-headless
need mvn maven
need python3 python3
python3 -c 'import ensurepip' 2> /dev/null || need no-such-command python3-venv
need go golang-go
need kcat kcat
for version in 3.9.1 2.8.2; do "$shared/reference-kafka/kafka.sh" install $version > /dev/null; done
[ -x scripts/foreign-setup.sh ] && scripts/foreign-setup.sh
echo "java: $(java -version 2>&1 | head -1); $(python3 --version); $(go version); $(kcat -V | sed -n 2p)"
