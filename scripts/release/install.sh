#!/bin/sh
# install.sh [ADDRESS]: downloads a release of nsbox from the directory ADDRESS, checks it, and installs the program, its
# manual and its completions. PREFIX says where: /usr/local for root, else ~/.local.
set -eu
# `make gen` writes it, from package.json.
RELEASE=https://nsbox.example/releases/0.1.0

say() { printf '%s\n' "$*" >&2; }
fail() {
	say "install.sh: $1"
	[ $# -lt 2 ] || say "hint: $2"
	exit 1
}
usage() {
	say 'usage: install.sh [ADDRESS]  the address (https://... or a directory) that has SHA256SUMS and the archives'
	say '       PREFIX=DIR            where to install; /usr/local for root, else ~/.local'
	exit 2
}

# get NAME: downloads it into $work
get() {
	case $address in
	http://* | https://* | file://*)
		if command -v curl >/dev/null; then curl -fsSL -o "$work/$1" "$address/$1"
		elif command -v wget >/dev/null; then wget -q -O "$work/$1" "$address/$1"
		else fail 'neither curl nor wget is here' 'install one of them, or download the archive by other means and unpack it'; fi
		;;
	*) cp "$address/$1" "$work/$1" ;;
	esac || fail "no download of $address/$1"
}

# put MODE FROM TO: in one step, so that a running nsbox and an interrupted installation do no harm
put() {
	mkdir -p "${3%/*}" && cp "$2" "$3.new" && chmod "$1" "$3.new" && mv -f "$3.new" "$3" || fail "can not write $3" 'PREFIX=DIR installs elsewhere'
}

# try PROGRAM VERSION: what it says of itself, unless it does not run here
try() {
	"$1" --version 2>"$work/error" && return
	if ldd --version 2>&1 | grep -qi musl; then
		# The kernel says "not found" of a program whose loader is missing.
		fail 'this system has musl and the program needs glibc' "with Node.js: npm install -g $address/nsbox-$2.tgz"
	fi
	if grep -qi 'permission denied' "$work/error"; then
		fail "programs in $work can not be executed" 'TMPDIR=DIR, with a directory that is not mounted noexec'
	fi
	fail "the program does not start here: $(head -n 1 "$work/error")" 'it needs glibc 2.17 or newer'
}

main() {
	[ $# -le 1 ] || usage
	address=${1-$RELEASE}
	address=${address%/}
	case $address in
	'' | -*) usage ;;
	*://nsbox.example/*)
		say 'install.sh: this copy does not know where its release is'
		usage
		;;
	esac
	if [ "$(id -u)" = 0 ]; then prefix=${PREFIX:-/usr/local}; else prefix=${PREFIX:-${HOME:?HOME is not set, and no PREFIX is}/.local}; fi

	[ "$(uname -s)" = Linux ] || fail "this system is $(uname -s): nsbox runs on Linux alone"
	case $(uname -m) in
	x86_64 | amd64) machine=x64 ;;
	aarch64 | arm64) machine=arm64 ;;
	*) fail "there is no nsbox for the machine $(uname -m): x86-64 and arm64 have one" ;;
	esac
	command -v sha256sum >/dev/null || fail 'sha256sum is missing: the download can not be checked' 'install coreutils or busybox'
	command -v tar >/dev/null || fail 'tar is missing'

	# All users may read what root installs, whatever root's umask is.
	umask 022
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM

	get SHA256SUMS
	# The smaller one, where it can be unpacked: busybox's xz knows no filters.
	name=
	for form in tar.xz tar.gz; do
		[ $form = tar.gz ] || xz --version 2>/dev/null | grep -q 'XZ Utils' || continue
		name=$(sed -n "s/^[0-9a-f]*  \(nsbox-[0-9][^/ ]*-linux-$machine\)\.$form\$/\1/p" "$work/SHA256SUMS")
		[ -z "$name" ] || break
	done
	[ -n "$name" ] && [ "$(printf '%s\n' "$name" | wc -l)" -eq 1 ] || fail "$address/SHA256SUMS does not name one archive nsbox-VERSION-linux-$machine.$form"
	say "nsbox: $name.$form"
	get "$name.$form"
	(cd "$work" && grep "  $name\.$form\$" SHA256SUMS | sha256sum -c - >/dev/null 2>&1) || fail "$name.$form is not what SHA256SUMS says" 'the download is damaged, or the server has another file: try again'
	case $form in
	*.xz) xz -dc "$work/$name.$form" ;;
	*) gzip -dc "$work/$name.$form" ;;
	esac | tar -x -C "$work" -f - || fail "can not unpack $name.$form in $work" 'it takes 300 MB there; TMPDIR=DIR unpacks elsewhere'

	version=${name#nsbox-}
	found=$(try "$work/$name/nsbox" "${version%-linux-*}")
	put 755 "$work/$name/nsbox" "$prefix/bin/nsbox"
	put 644 "$work/$name/nsbox.1" "$prefix/share/man/man1/nsbox.1"
	put 644 "$work/$name/completions/nsbox.bash" "$prefix/share/bash-completion/completions/nsbox"
	put 644 "$work/$name/completions/_nsbox" "$prefix/share/zsh/site-functions/_nsbox"
	put 644 "$work/$name/completions/nsbox.fish" "$prefix/share/fish/vendor_completions.d/nsbox.fish"
	put 644 "$work/$name/THIRD-PARTY.txt" "$prefix/share/doc/nsbox/THIRD-PARTY.txt"
	say "$found: $prefix/bin/nsbox"
	case :$PATH: in
	*:"$prefix/bin":*) ;;
	*) say "hint: $prefix/bin is not in PATH: export PATH=\"$prefix/bin:\$PATH\"" ;;
	esac
	"$prefix/bin/nsbox" doctor >"$work/doctor" 2>&1 || {
		say 'boxes can not run here yet; nsbox doctor says more:'
		grep -i -m 3 'hint\|can.*not\|fail' "$work/doctor" >&2 || true
	}
}

# The last line, so that a download that was cut off does nothing.
main "$@"
