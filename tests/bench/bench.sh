#!/usr/bin/env bash
# Rates of a full setup and of a day without changes, beside what the tools alone take for the same rows in the same run.
# usage: bench.sh BINARIES PERSONS      (three records a person)
set -euo pipefail
bin=$1
persons=$2
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
simulator=
stop() {
    [ -z "$simulator" ] || { kill "$simulator" && wait "$simulator"; } 2>/dev/null || true
    rm -rf "$work"
}
trap stop EXIT
records=$((persons * 3))

"$root/tests/support/make-pki.sh" "$work/pki" 122192
"$bin/kaigo-sample-db" --dense --persons "$persons" --seed 1 --insurer 122192 --output "$work/core.db"
mkfifo "$work/ready"
"$bin/kaigo-platform-sim" --listen 127.0.0.1:0 --certificate "$work/pki/platform.pem" \
    --private-key "$work/pki/platform.key" --client-ca "$work/pki/ca.pem" \
    --interface-spec "$root/interface-spec/2.02" --state "$work/platform.db" > "$work/ready" 2> "$work/simulator.log" &
simulator=$!
read -r _ < "$work/ready"
cat > "$work/gateway.yaml" <<YAML
interface_spec: $root/interface-spec/2.02
my_number_check: test
sources: {core: {driver: sqlite, database: core.db, mapping: $root/etc/mappings/sample-standard.yaml}}
insurers: [{number: "122192", source: core, new_form_from: 2026-04-01}]
platform:
  url: https://$(sed -n 's/^listening on //p' "$work/simulator.log")/kaigo/v1
  ca_file: pki/ca.pem
  certificate_file: pki/gateway.pem
  private_key_file: pki/gateway.key
ledger: {path: state/ledger.db}
spool: {directory: state/spool, key_file: pki/spool.key}
audit: {path: state/audit.log}
YAML

measure() { # name command…
    local name=$1
    shift
    local TIMEFORMAT='%R %U %S'
    local times
    times=$({ time "$@" > /dev/null 2>&1; } 2>&1)
    awk -v name="$name" -v records="$records" '{
        printf "%-34s %8.2f s  %8.2f CPU s  %9.0f records/s\n", name, $1, $2 + $3, records / $1 }' <<< "$times"
}
gateway() { "$bin/kaigo-gateway" --config "$work/gateway.yaml" "$@"; }
setup() { gateway run initial-setup --yes --quiet; }
day() { gateway run daily-sync --quiet; }
plain_read() {
    for table in 被保険者資格 要介護認定 認定調査 主治医意見書 同意; do sqlite3 -csv "$work/core.db" "SELECT * FROM $table"; done
}
echo "$persons persons, $records records; the simulator validates and stores on the same machine"
measure "setup, everything on" setup
measure "a day without changes" day
measure "sqlite3 -csv of the same tables" plain_read
bytes=$(stat -c %s "$work/state/ledger.db")
echo "ledger: $((bytes / records)) bytes a record"
