# Sourced by the demo and the benchmark: a folder that goes with the script, a PKI, the simulated platform, a
# configuration. Sets $work; needs $bin and $root.
work=$(mktemp -d)
simulator=
stop_city() {
    [ -z "$simulator" ] || { kill "$simulator" && wait "$simulator"; } 2>/dev/null || true
    rm -rf "$work"
}
trap stop_city EXIT

start_platform() { # scenario, options of the simulator…
    "$root/tests/support/make-pki.sh" "$work/pki" 122192
    printf '%s\n' "$1" > "$work/scenario.yaml"
    shift
    mkfifo "$work/ready"
    "$bin/kaigo-platform-sim" --listen 127.0.0.1:0 --certificate "$work/pki/platform.pem" \
        --private-key "$work/pki/platform.key" --client-ca "$work/pki/ca.pem" \
        --interface-spec "$root/interface-spec/2.02" --state "$work/platform.db" --scenario "$work/scenario.yaml" "$@" \
        > "$work/ready" 2> "$work/simulator.log" &
    simulator=$!
    read -r _ < "$work/ready"
    address=$(sed -n 's/^listening on //p' "$work/simulator.log")
}

write_config() { # language
    cat > "$work/gateway.yaml" <<YAML
language: $1
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
}
