#!/usr/bin/env bash
# A city's first days, end to end: PKI, 2,000 insured persons, the simulated platform, initial setup, a day of changes.
# usage: demo.sh BINARIES [ja|en]
set -euo pipefail
bin=$1
language=${2:-ja}
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/support/city.sh"
step() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
# 1 means: done, and a person must look at something. That is a normal day.
gateway() {
    printf '$ kaigo-gateway %s\n' "$*"
    "$bin/kaigo-gateway" --config "$work/gateway.yaml" "$@" || [ $? = 1 ]
}

step "A sample city of 2,000 insured persons"
"$bin/kaigo-sample-db" --persons 2000 --seed 1 --insurer 122192 --output "$work/core.db"

step "A small PKI, and the simulated platform over TLS 1.3 with client certificates"
# One answer gets lost, one request comes at a bad moment; some people the 中間サーバー does not know.
start_platform 'middle_server: {unknown_share: 100, slow_share: 20, several_share: 10, slow_attempts: 1}
faults:
  - {on: submit, at: [2], do: drop-after}
  - {on: submit, at: [4], do: "429", retry_after: 1}'
echo "listening on $address"
write_config "$language"

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
in_case=$("$bin/kaigo-gateway" --config "$work/gateway.yaml" cases list --format json |
    sed -n 's/.*"cases":\[{"id":\([0-9]*\),"insurer":"[0-9]*","kind":"[a-z-]*","insured":"\([0-9H]*\)".*/\1 \2/p')
case_number=${in_case% *}
gateway explain --insured "${in_case#* }"
[ -z "$insured" ] || gateway explain --insured "$insured"

step "A clerk's work: which cases are open, what is asked, one answer; the source says the rest"
gateway cases list
gateway cases show "$case_number"
gateway cases decide "$case_number" --finding mynumber-correct --note "demo"
gateway run retry-due --wait 1m
gateway cases show "$case_number"

step "The day's report"
gateway report

step "And the audit log"
gateway audit verify
