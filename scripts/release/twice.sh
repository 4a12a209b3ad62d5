#!/bin/bash
# twice.sh DIR: makes the release of the present commit twice in DIR, and compares all files, byte for byte. The second
# build lies in another directory, and has another umask, time zone, language and home. What was downloaded already is
# used by both. If a file differs, both stay in DIR.
set -euo pipefail
checkout=$(cd "$(dirname "$0")/../.." && pwd)
dir=$1
rm -rf "$dir"
# What is committed while this runs is no part of it.
commit=$(git -C "$checkout" rev-parse HEAD)
SOURCE_DATE_EPOCH=$(git -C "$checkout" log -1 --format=%ct "$commit")
RELEASE_MAINTAINER=$(git -C "$checkout" log -1 --format='%an <%ae>' "$commit")
# How hard xz tries makes no difference here, but takes minutes.
export SOURCE_DATE_EPOCH RELEASE_MAINTAINER XZ_LEVEL=${XZ_LEVEL:-0}

# build PLACE SETTING...: the sources of the commit, and what others have made.
build() {
	local place=$1 download
	shift
	mkdir -p "$place/dist/arm64"
	git -C "$checkout" archive "$commit" | tar -x -C "$place"
	cp -a "$checkout/node_modules" "$place/"
	for download in arm64/libc arm64/libraries arm64/runtime; do
		[ ! -e "$checkout/dist/$download" ] || cp -a "$checkout/dist/$download" "$place/dist/arm64/"
	done
	(cd "$place" && env "$@" make dist >dist/log 2>&1) || { tail -n 20 "$place/dist/log" >&2; exit 1; }
}

one=$dir/one two=$dir/in/a/longer/directory/two
echo "  DIST   $one"
(umask 022 && build "$one" TZ=UTC LC_ALL=C)
echo "  DIST   $two"
mkdir -p "$dir/home"
(umask 077 && build "$two" TZ=Asia/Tokyo LC_ALL=C.UTF-8 HOME="$dir/home")

names() { find "$1/dist/release" -type f -printf '%P\n' | LC_ALL=C sort; }
status=0
diff <(names "$one") <(names "$two") || status=1
for name in $(names "$one"); do
	cmp "$one/dist/release/$name" "$two/dist/release/$name" || status=1
done
[ $status = 0 ] || { echo "twice.sh: the two builds differ: $dir" >&2; exit 1; }
echo "$(names "$one" | wc -l) files, equal in both builds"
rm -rf "$dir"
