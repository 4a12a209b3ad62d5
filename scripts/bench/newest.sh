#!/bin/sh
# newest.sh OUT PACKAGE...: unpacks the newest releases that Debian has of these packages below OUT, with the libraries
# that they need, and installs nothing. Their programs in OUT/usr/bin are changed to load those libraries.
set -eu
out=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$(dirname "$0")/../own-apt.sh"
own_apt_for "$work" debian sid "$(dpkg --print-architecture)"
own_apt apt-get -y --no-install-recommends --download-only install "$@" >&2
rm -rf "$out.new"
for package in "$work"/cache/archives/*.deb; do dpkg-deb -x "$package" "$out.new"; done
loader=$(find "$out.new" -name 'ld-linux*.so.*' -type f | head -n 1)
libraries=$(dirname "$(find "$out.new" -name libc.so.6 | head -n 1)")
for package; do
	for program in $(dpkg-deb -c "$work/cache/archives/${package}_"*.deb | sed -n 's|.* \./\(usr/s\?bin/[^ ]*\)$|\1|p'); do
		file=$out.new/$program
		! patchelf --print-interpreter "$file" >/dev/null 2>&1 ||
			patchelf --set-interpreter "$out${loader#"$out.new"}" --force-rpath --set-rpath "$out${libraries#"$out.new"}" "$file"
	done
done
rm -rf "$out"
mv "$out.new" "$out"
