#!/bin/sh
# notices.sh DIRECTORY PACKAGE... -- NPM...: prints the copyright notices of the Debian packages and of the packages of
# npm whose code is in our programs. Those of Debian come from /usr/share/doc, or, where this machine keeps no documents,
# from DIRECTORY, into which packages were unpacked, those of npm from node_modules. Notices that Debian's files refer to
# by name (/usr/share/common-licenses) follow at the end.
set -eu
unpacked=$1
shift
heading() {
	printf '\n%s\n%s (%s)\n%s\n\n' "$(printf '%080d' 0 | tr 0 =)" "$1" "$2" "$(printf '%080d' 0 | tr 0 =)"
}
cat <<'E2'
The program nsbox-unpack, which is also inside of nsbox, holds code of the libraries below. They came from Debian's
packages. nsbox-sidecar and the other static programs, which are inside of nsbox too, hold code of musl alone. Each notice is the package's own. It
speaks of all the package's source, of which only the parts for reading are in our programs. Where it offers a choice
of licenses, ours is the one that isn't the GPL. The packages of npm at the end are in nsbox itself.
E2
licenses=
while [ "$1" != -- ]; do
	package=$1
	shift
	file=
	for place in /usr/share/doc "$unpacked/usr/share/doc"; do
		[ -n "$file" ] || [ ! -r "$place/$package/copyright" ] || file=$place/$package/copyright
	done
	[ -n "$file" ] || { echo "make: no copyright notice of the package $package" >&2; exit 1; }
	version=$(dpkg-query -W -f '${Version}' "$package" 2>/dev/null || echo 'as in the suite')
	heading "$package" "$version"
	cat "$file"
	licenses="$licenses $(grep -o '/usr/share/common-licenses/Apache-2.0' "$file" || true)"
done
shift
for package; do
	file=$(ls "node_modules/$package"/LICENSE* 2>/dev/null | head -n 1)
	[ -r "$file" ] || { echo "make: no copyright notice of the package $package" >&2; exit 1; }
	heading "$package" "$(node -p 'require(process.argv[1]).version' "./node_modules/$package/package.json")"
	tr -d '\r' <"$file"
done
for license in $(printf '%s\n' $licenses | sort -u); do
	[ -r "$license" ] || { echo "make: no text of the license $license" >&2; exit 1; }
	printf '\n%s\n%s\n%s\n\n' "$(printf '%080d' 0 | tr 0 =)" "${license##*/}" "$(printf '%080d' 0 | tr 0 =)"
	cat "$license"
done
