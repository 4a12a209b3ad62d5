#!/bin/sh
# need.sh "WHAT..." "PACKAGES..." SENTENCE: fails unless every WHAT is there. As root it first installs the packages,
# if a WHAT is missing. SENTENCE is the hint for everybody else. A WHAT is
#   COMMAND               a command in PATH, or a file
#   COMPILER:FLAG:FLAG... a compiler that links a program with these flags: the files that they ask for (a sanitizer, a header, a
#                         library) are often in packages of their own, so that the command is no proof of them
#   static:FILE           a program that needs no other file
#   import:MODULE         Python with a module, of which a minimal one has few
# A package that apt doesn't know is left out: in another release its files are in one of the others.
set -u

links() (
	IFS=:
	set -f
	# shellcheck disable=SC2086
	set -- $1
	dir=$(mktemp -d) || exit 1
	trap 'rm -rf "$dir"' EXIT
	echo 'int LLVMFuzzerTestOneInput(void); int LLVMFuzzerTestOneInput(void) { return 0; }' >"$dir/a.c"
	case $* in *fuzzer*) ;; *) echo 'int main(void) { return 0; }' >>"$dir/a.c" ;; esac
	"$@" -o "$dir/a" "$dir/a.c" >/dev/null 2>&1
)

missing() {
	for what in $1; do
		case $what in
		static:*) [ -x "${what#*:}" ] && ! LC_ALL=C readelf -lW "${what#*:}" | grep -q INTERP ;;
		import:*) python3 -c "import ${what#*:}" 2>/dev/null ;;
		*:*) links "$what" ;;
		*) command -v "$what" >/dev/null || [ -e "$what" ] ;;
		esac || printf ' %s' "$what"
	done
}

known() {
	for name in $1; do
		! apt-cache show "$name" >/dev/null 2>&1 || echo "$name"
	done
}

lack=$(missing "$1")
if [ -n "$lack" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	printf '  %-6s %s\n' APT "$2"
	apt-get -qq update >/dev/null &&
		DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $(known "$2") >/dev/null
	lack=$(missing "$1")
fi
[ -z "$lack" ] || { echo "make: not found:$lack; $3" >&2; exit 1; }
