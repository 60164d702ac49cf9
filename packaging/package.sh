#!/usr/bin/env bash
# Debian packages from a Release build, into FOLDER; then what can be checked without installing them: lintian, the
# unit's exposure and its soundness.
# usage: package.sh BUILD FOLDER
set -euo pipefail
build=$(realpath "$1")
root=$(cd "$(dirname "$0")/.." && pwd)
rm -rf "$2"
mkdir -p "$2"
out=$(realpath "$2")
version=$(sed -n 's/^project(kaigo-gateway VERSION \([0-9.]*\).*/\1/p' "$root/CMakeLists.txt")
date=$(git -C "$root" log -1 --format=%cD)
tree=$out/kaigo-gateway-$version
mkdir "$tree"
cp -r "$root/packaging" "$root/docs" "$tree"
mv "$tree/packaging/debian" "$tree/debian"
sed -i "s/@VERSION@/$version/; s/@DATE@/$date/" "$tree"/debian/changelog "$tree"/debian/kaigo-gateway.preinst
(cd "$tree" && KAIGO_BUILD=$build dpkg-buildpackage --build=binary --no-sign --no-pre-clean --no-check-builddeps) \
    > "$out/build.log" 2>&1 || { tail -40 "$out/build.log"; exit 1; }
# The project has no mail address of its own.
lintian --fail-on error --allow-root \
    --suppress-tags bad-distribution-in-changes-file,bogus-mail-host,bogus-mail-host-in-debian-changelog "$out"/*.changes

stage=$out/stage
for package in "$out"/*.deb; do dpkg-deb --extract "$package" "$stage"; done
unit=$stage/lib/systemd/system/kaigo-gatewayd.service
systemd-analyze security --offline=yes --threshold=12 "$unit" | tail -1
# The program named by ExecStart= is looked for where it will lie.
sed "s#^ExecStart=/usr#ExecStart=$stage/usr#; /^User=/d; /^Group=/d" "$unit" > "$out/kaigo-gatewayd.service"
systemd-analyze verify --man=no "$out/kaigo-gatewayd.service"
echo "packages: $(cd "$out" && echo *.deb)"
