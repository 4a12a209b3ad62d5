#!/bin/sh
# arm64-libc.sh DIRECTORY PACKAGE...: unpacks packages of Debian for arm64. It downloads them with package lists of its
# own, so that this machine's package system stays as it is.
set -eu
out=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial"
apt() {
	apt-get -qq -o Dir::State="$work/state" -o Dir::Cache="$work/cache" -o Dir::State::status=/dev/null -o Acquire::Languages=none \
		-o APT::Sandbox::User=root -o APT::Architecture=arm64 -o APT::Architectures=arm64 "$@"
}
command -v apt-get >/dev/null || { echo 'no apt-get, which would bring libraries for arm64' >&2; exit 1; }
# A package source without arm64, or one that doesn't answer, doesn't matter.
apt update >&2 || true
cd "$work"
apt download "$@"
rm -rf "$out.new"
for package in "$work"/*.deb; do dpkg-deb -x "$package" "$out.new"; done
mv "$out.new" "$out"
