#!/bin/sh
# files.sh VERSION OUT PROGRAM...: makes the archives, the Debian packages and the single files of a release in the
# directory OUT, from what was built in dist/. PROGRAM: a static program. Names, order, owners and times of all that is in
# them are fixed: SOURCE_DATE_EPOCH. XZ_LEVEL says how hard xz tries.
set -eu
version=$1 out=$2 level=${XZ_LEVEL:-9e} here=$(cd "$(dirname "$0")" && pwd)
shift 2
programs=$*
umask 022
rm -rf "$out"
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What every package of files has, in DIRECTORY: of_release DIRECTORY BUILT
of_release() {
	install -D -m 755 "$2/nsbox" "$1/nsbox"
	install -m 644 ./*.md LICENSE docs/nsbox.1 dist/THIRD-PARTY.txt "$1"
	# README's links lead there.
	find docs examples -type f ! -path 'docs/completions/*' ! -name nsbox.1 | while read -r file; do install -D -m 644 "$file" "$1/$file"; done
	install -D -m 644 -t "$1/completions" docs/completions/*
	install -D -m 644 "$here/apparmor" "$1/apparmor/nsbox"
}

# A tar archive on standard output: packed TOP NAME
packed() {
	tar -C "$1" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --format=ustar -cf - "$2"
}

for machine in x64 arm64; do
	built=dist
	[ "$machine" = x64 ] || built=dist/$machine
	name=nsbox-$version-linux-$machine
	mkdir "$work/$name"
	of_release "$work/$name" "$built"
	packed "$work" "$name" | gzip -9n >"$out/$name.tar.gz"
	# What XZ Utils of any age can unpack: the filter for x86 makes the targets of equal jumps equal bytes. That for arm64
	# needs 5.4, so only the length of its instructions is given. One thread gives the same bytes on every machine.
	case $machine in
	x64) filters="--x86 --lzma2=preset=$level" ;;
	*) filters="--lzma2=preset=$level,lc=2,lp=2,pb=2" ;;
	esac
	# shellcheck disable=SC2086
	packed "$work" "$name" | xz -T1 $filters >"$out/$name.tar.xz"
	# The static programs alone, under the names by which the sidecar finds the others beside itself.
	static=nsbox-static-$version-linux-$machine
	mkdir "$work/$static"
	for program in $programs; do install -m 755 "$built/$program" "$work/$static"; done
	install -m 644 LICENSE dist/THIRD-PARTY.txt "$work/$static"
	packed "$work" "$static" | gzip -9n >"$out/$static.tar.gz"
	sh "$here/deb.sh" "$version" "$machine" "$work/$name" "$out"
done
install -m 644 "dist/nsbox-$version.tgz" "$out"
install -m 755 "$here/install.sh" "$out"
