#!/usr/bin/env bash
# The packages in a clean Debian 12: installed, the daemon started as its unit starts it, a day against the simulator,
# upgraded, a downgrade refused, removed, purged. Needs root and mmdebstrap.
# usage: try-package.sh FOLDER-OF-PACKAGES
set -euo pipefail
packages=$(realpath "$1")
root=$(mktemp -d /tmp/clean-debian-XXXXXX)
cleanup() {
    umount "$root/proc" 2>/dev/null || true
    umount "$root" 2>/dev/null || true
    rm -rf "$root"
}
trap cleanup EXIT
# The registry that this host installs from, with what it trusts.
mmdebstrap --quiet --variant=minbase --include=ca-certificates bookworm "$root"
rm -f "$root/etc/apt/sources.list"
for what in sources.list sources.list.d apt.conf.d; do
    [ ! -e "/etc/apt/$what" ] || cp -r "/etc/apt/$what" "$root/etc/apt/"
done
mount --bind "$root" "$root"
mount --make-private "$root"
mount -t proc proc "$root/proc"
mkdir "$root/packages"
cp "$packages"/*.deb "$root/packages/"

# The same packages under a higher version number.
newer=$(mktemp -d)
dpkg-deb --raw-extract "$packages"/kaigo-gateway_*.deb "$newer"
sed -i 's/^Version: .*/Version: 99.0/' "$newer/DEBIAN/control"
sed -i 's/gt "[0-9.]*"/gt "99.0"/' "$newer/DEBIAN/preinst"
dpkg-deb --root-owner-group --build "$newer" "$root/packages/newer.deb" > /dev/null
rm -r "$newer"

cat > "$root/day.sh" <<'INSIDE'
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8
say() { printf '\n== %s\n' "$*"; }
fail() { echo "FAILED: $*"; exit 1; }
simulator= daemon=
trap 'kill $simulator $daemon 2> /dev/null || true; wait' EXIT
say "install"
apt-get update -q > /dev/null
apt-get install -y -q --no-install-recommends /packages/kaigo-gateway_*.deb /packages/kaigo-gateway-tools_*.deb > /tmp/apt.log 2>&1 ||
    { tail -20 /tmp/apt.log; fail "the packages cannot be installed"; }
# What systemd does at the boot of a whole machine.
systemd-sysusers 2>/dev/null || true
systemd-tmpfiles --create kaigo-gateway.conf
getent passwd kaigo-gateway > /dev/null || fail "no user kaigo-gateway"
getent group kaigo-operators kaigo-viewers > /dev/null || fail "no groups"
[ -e /usr/share/man/ja/man1/kaigo-gateway.1.gz ] || echo "(manual pages are left out by this root's dpkg settings)"

say "configure"
cd /etc/kaigo-gateway
umask 077
key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }
work=/srv/kaigo
mkdir -p -m 755 $work /run/kaigo-gateway
key $work/ca.key
openssl req -new -x509 -key $work/ca.key -days 30 -subj "/O=test/CN=CA" -out pki/ca.pem
for name in platform gateway; do
    key $work/$name.key
    subject="/O=test/OU=122192/CN=$name"
    openssl req -new -key $work/$name.key -subj "$subject" -out $work/$name.csr
    openssl x509 -req -in $work/$name.csr -CA pki/ca.pem -CAkey $work/ca.key -CAcreateserial -days 30 \
        -extfile <(echo "subjectAltName=IP:127.0.0.1") -out $work/$name.pem 2> /dev/null
done
cp $work/gateway.pem pki/
cp $work/gateway.key keys/
head -c 32 /dev/urandom > keys/spool.key
chown -R kaigo-gateway: keys pki /run/kaigo-gateway
chmod 644 pki/*.pem
cp /usr/share/kaigo-gateway/etc/mappings/sample-standard.yaml mappings/core.yaml
sed -e 's/"000000"/"122192"/; s/my_number_check: real/my_number_check: test/; s#https://platform.example#https://127.0.0.1:8443#; s/^language: ja/language: en/' \
    /usr/share/doc/kaigo-gateway/examples/kaigo-gateway.yaml > kaigo-gateway.yaml 2>/dev/null || fail "no sample configuration"
chmod -R a+rX mappings kaigo-gateway.yaml
kaigo-sample-db --persons 300 --seed 1 --insurer 122192 --output $work/core.db
chmod 644 $work/core.db
kaigo-platform-sim --listen 127.0.0.1:8443 --certificate $work/platform.pem --private-key $work/platform.key \
    --client-ca pki/ca.pem --interface-spec /usr/share/kaigo-gateway/interface-spec/2.02 --state $work/platform.db --seed 1 \
    > $work/simulator.out 2>&1 &
simulator=$!
for _ in $(seq 100); do grep -q ready $work/simulator.out && break; sleep 0.1; done

say "the daemon, as its unit starts it"
command=$(sed -n 's/^ExecStart=//p' /lib/systemd/system/kaigo-gatewayd.service)
# User, no capabilities, no new privileges, no core file, its umask, and a file system that it can write to in its
# own folders alone; the unit's system call filter and network limits need systemd as process 1.
start_daemon() {
    unshare --mount bash -c "
        for d in /usr /etc /srv; do mount --bind \$d \$d && mount -o remount,bind,ro \$d; done
        ulimit -c 0; umask 0077
        exec setpriv --reuid kaigo-gateway --regid kaigo-gateway --init-groups --inh-caps=-all --bounding-set=-all \
            --no-new-privs $command" 2>> $work/daemon.log &
    daemon=$!
    for _ in $(seq 200); do [ -S /run/kaigo-gateway/control.sock ] && return; sleep 0.1; done
    cat $work/daemon.log; fail "the daemon does not listen"
}
start_daemon
kaigo-gateway doctor || [ $? = 1 ] || fail "doctor"
kaigo-gateway run initial-setup --yes || [ $? = 1 ] || fail "the setup"
kaigo-gateway status
kaigo-gateway status --format json | grep -q '"setupComplete":true' || fail "the setup is not complete"
umask 022
kaigo-sample-db --advance-days 1 --output $work/core.db
kaigo-gateway run daily-sync --quiet > /tmp/sync.out || [ $? = 1 ] || fail "the daily sync: $(cat /tmp/sync.out)"

say "upgrade"
dpkg -i /packages/newer.deb > /dev/null
kill $daemon; wait $daemon || true
start_daemon
kaigo-gateway status --format json | grep -q '"setupComplete":true' || fail "the ledger is lost"
if dpkg -i /packages/kaigo-gateway_*.deb > /tmp/downgrade.out 2>&1; then fail "a downgrade was not refused"; fi
grep -q "cannot be read by the older" /tmp/downgrade.out || { cat /tmp/downgrade.out; fail "a downgrade without a reason"; }
kill $daemon; wait $daemon || true

say "remove, purge"
apt-get remove -y -q kaigo-gateway > /dev/null
[ -e /var/lib/kaigo-gateway/ledger.db ] || fail "removing destroyed the ledger"
dpkg --purge kaigo-gateway
[ -e /var/lib/kaigo-gateway/ledger.db ] || fail "purging destroyed the ledger unasked"
dpkg -i /packages/newer.deb > /dev/null
echo "kaigo-gateway kaigo-gateway/destroy-ledger boolean true" | debconf-set-selections
dpkg --purge kaigo-gateway
[ ! -e /var/lib/kaigo-gateway ] || fail "the ledger was to be destroyed, and was not"
kill $simulator
say "all of it works in a clean Debian 12"
INSIDE
chroot "$root" bash /day.sh
