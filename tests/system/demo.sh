#!/usr/bin/env bash
# A city's first days, end to end: PKI, 2,000 insured persons, the simulated platform, initial setup, a day of changes.
# usage: demo.sh BINARIES [ja|en]
set -euo pipefail
bin=$1
language=${2:-ja}
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
simulator=
stop() {
    [ -z "$simulator" ] || { kill "$simulator" && wait "$simulator"; } 2>/dev/null || true
    rm -rf "$work"
}
trap stop EXIT
step() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
# 1 means: done, and a person must look at something. That is a normal day.
gateway() {
    printf '$ kaigo-gateway %s\n' "$*"
    "$bin/kaigo-gateway" --config "$work/gateway.yaml" "$@" || [ $? = 1 ]
}

step "A small PKI, and a sample city of 2,000 insured persons"
"$root/tests/support/make-pki.sh" "$work/pki" 122192
"$bin/kaigo-sample-db" --persons 2000 --seed 1 --insurer 122192 --output "$work/core.db"

step "The simulated platform, over TLS 1.3 with client certificates"
cat > "$work/scenario.yaml" <<'YAML'
middle_server: {unknown_share: 100, slow_share: 20, several_share: 10, slow_attempts: 1}
faults:
  - {on: submit, at: [2], do: drop-after}     # an answer gets lost
  - {on: submit, at: [4], do: '429', retry_after: 1}
YAML
mkfifo "$work/ready"
"$bin/kaigo-platform-sim" --listen 127.0.0.1:0 --certificate "$work/pki/platform.pem" \
    --private-key "$work/pki/platform.key" --client-ca "$work/pki/ca.pem" \
    --interface-spec "$root/interface-spec/2.02" --state "$work/platform.db" --scenario "$work/scenario.yaml" \
    > "$work/ready" 2> "$work/simulator.log" &
simulator=$!
read -r _ < "$work/ready"
address=$(sed -n 's/^listening on //p' "$work/simulator.log")
echo "listening on $address"

cat > "$work/gateway.yaml" <<YAML
language: $language
interface_spec: $root/interface-spec/2.02
my_number_check: test
sources:
  core: {driver: sqlite, database: core.db, mapping: $root/etc/mappings/sample-standard.yaml}
insurers:
  - {number: "122192", name: 見本市, source: core, new_form_from: 2026-04-01}
platform:
  url: https://$address/kaigo/v1
  ca_file: pki/ca.pem
  certificate_file: pki/gateway.pem
  private_key_file: pki/gateway.key
ledger: {path: state/ledger.db}
spool: {directory: state/spool, key_file: pki/spool.key}
audit: {path: state/audit.log}
YAML

step "Is everything in order? Is the mapping?"
gateway doctor
gateway validate-mapping

step "Initial setup: everything, once"
gateway run initial-setup --yes --wait 2m

step "A day later in the city"
"$bin/kaigo-sample-db" --advance-days 1 --output "$work/core.db"
gateway run daily-sync --wait 1m

step "Why is this person in error?"
insured=$("$bin/kaigo-gateway" --config "$work/gateway.yaml" held list --format json |
    sed -n 's/.*"key":"\([0-9H]*\)".*/\1/p')
in_case=$(sqlite3 "$work/state/ledger.db" "SELECT CAST(key AS TEXT) FROM record WHERE state = 4 LIMIT 1")
gateway explain --insured "$in_case"
[ -z "$insured" ] || gateway explain --insured "$insured"

step "And the audit log"
gateway audit verify
