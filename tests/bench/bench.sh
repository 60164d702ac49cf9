#!/usr/bin/env bash
# Rates of a full setup and of a day without changes, beside what the tools alone take for the same rows in the same run.
# usage: bench.sh BINARIES PERSONS      (three records a person)
set -euo pipefail
bin=$1
persons=$2
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/support/city.sh"
records=$((persons * 3))

"$bin/kaigo-sample-db" --dense --persons "$persons" --seed 1 --insurer 122192 --output "$work/core.db"
start_platform 'polls: 1'
write_config en

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
