#!/bin/sh
# library-names.sh MAP ALLOWED: which names do the members of static libraries that a link has taken need from the C
# library? MAP is the linker's map. The libraries were compiled for glibc, and are linked with musl: a name is in
# ALLOWED if it means the same in both. Prints the others, and fails if there are any.
set -eu
map=$1 allowed=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LC_ALL=C

sed '/^Discarded input sections/,$d; /^Memory Configuration/,$d; /^Allocating common/,$d' "$map" |
	sed -n 's/^\([^ ()][^ ()]*\.a\)(\([^()]*\)).*/\1 \2/p' | grep -v '/musl/\|-musl/\|/libc\.a \|/libgcc' | sort -u >"$work/members"
cut -d' ' -f1 "$work/members" | sort -u | while read -r library; do
	# FILE:MEMBER:ADDRESS TYPE NAME
	nm -A "$library" 2>/dev/null | sed 's/^\([^:]*\):\([^:]*\):[0-9a-f ]*\([A-Za-z]\) /\1 \2 \3 /'
done >"$work/names"
awk 'NR == FNR { taken[$1 " " $2] = 1; next } ($1 " " $2) in taken { print ($3 == "U" || $3 == "w" ? "need" : "have"), $4 }' \
	"$work/members" "$work/names" | sort -u >"$work/both"
sed -n 's/^have //p' "$work/both" | sort -u >"$work/have"
sed -n 's/^need //p' "$work/both" | sort -u | comm -23 - "$work/have" >"$work/need"
grep -v '^#' "$allowed" | tr ' ' '\n' | grep . | sort -u >"$work/allowed"
comm -23 "$work/need" "$work/allowed" >"$work/wrong"
[ -s "$work/members" ] || { echo 'make: no member of a library is in the map' >&2; exit 1; }
[ ! -s "$work/wrong" ] || { echo "make: the libraries need names that are not in $allowed:" $(cat "$work/wrong") >&2; exit 1; }
