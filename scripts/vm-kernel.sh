#!/bin/sh
# vm-kernel.sh NAME OUT: puts a kernel of Debian into the directory OUT: vmlinuz, release, modules, and the
# modules that the tests need. The file `modules` lists those that the package has, in the order in which they load.
# Downloaded and unpacked with lists of our own, from the mirrors that this machine's apt uses, so that its package
# system stays as it is.
set -eu
name=$1 out=$2

# The suite, the archive, how the version begins, the architecture and how the package's name ends.
architecture=amd64 flavour=cloud-amd64
case $name in
# The kernel of Debian 11's last point release, and the later one of its security archive.
5.10.223) suite=bullseye archive=debian version=5.10 ;;
5.10) suite=bullseye-security archive=security version=5.10 ;;
6.1) suite=bookworm archive=debian version=6.1 ;;
6.12) suite=trixie archive=debian version=6.12 ;;
7) suite=sid archive=debian version=7 ;;
# For arm64, with pages of 4 KiB and of 16 KiB.
arm64-6.1) suite=bookworm archive=debian version=6.1 architecture=arm64 flavour=cloud-arm64 ;;
arm64-16k) suite=trixie archive=debian version=6.12 architecture=arm64 flavour=arm64-16k ;;
*) echo "no such kernel: $name" >&2; exit 1 ;;
esac

command -v apt-get >/dev/null && [ "$(dpkg --print-architecture)" = amd64 ] || { echo "the kernel is a package of Debian, and this machine's sources are for amd64" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The addresses of the two archives, from this machine's sources.
mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
	awk -v archive="$archive" '($2 ~ /-security$/) == (archive == "security") && $2 !~ /-updates$|-backports$/ { print $1; exit }')
[ -n "$mirror" ] || { echo "this machine's apt has no source for $suite" >&2; exit 1; }
keys=/usr/share/keyrings/debian-archive-keyring.gpg
[ -e "$keys" ] || { echo "$keys, which packages of Debian are checked with, is missing" >&2; exit 1; }

mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/sources"
echo "deb [signed-by=$keys] $mirror $suite main" >"$work/sources/a.list"
apt() {
	program=$1
	shift
	"$program" -qq -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/sources" -o Dir::Etc::preferencesparts=/dev/null \
		-o Dir::State="$work" -o Dir::State::lists="$work/lists" -o Dir::State::status=/dev/null -o Dir::Cache="$work/cache" \
		-o Acquire::Languages=none -o APT::Sandbox::User=root -o APT::Architecture=$architecture -o APT::Architectures=$architecture "$@"
}
apt apt-get update >&2
# The newest of the packages that have the kernel itself; in sid the image package only signs what linux-binary has.
package=$(apt apt-cache pkgnames | grep -E "^linux-(image|binary)-$version[.][^ ]*-$flavour\$" | sort -V | awk '/^linux-binary/ { binary = $0 } { last = $0 } END { print binary ? binary : last }')
[ -n "$package" ] || { echo "$suite has no kernel" >&2; exit 1; }
cd "$work"
release=${package#linux-*-}
# Newer packages of the kernel leave its modules to another one.
apt apt-get download "$package" $(apt apt-cache pkgnames "linux-modules-$release" | grep -x "linux-modules-$release") >&2
for archive in ./*.deb; do dpkg-deb -x "$archive" unpacked; done
image=$(find unpacked -name 'vmlinuz*' -type f | head -n 1)
[ -n "$image" ] || { echo "$package has no vmlinuz" >&2; exit 1; }
rm -rf "$out.new"
mkdir -p "$out.new"
cp "$image" "$out.new/vmlinuz"
printf '%s %s\n' "$release" "$(apt apt-cache show "$package" | sed -n 's/^Version: //p' | head -n 1)" >"$out.new/release"

# Puts a module into OUT, after those that it depends on. What the kernel has built in is no file of the package.
: >"$out.new/modules"
add_module() {
	! grep -qx "$1.ko" "$out.new/modules" || return 0
	file=$(find unpacked -name "$1.ko" -o -name "$1.ko.xz" -o -name "$1.ko.zst" | head -n 1)
	case $file in
	'') return 0 ;;
	*.xz) xz -dc "$file" >"$out.new/$1.ko" ;;
	*.zst) zstd -qdc "$file" >"$out.new/$1.ko" ;;
	*) cp "$file" "$out.new/$1.ko" ;;
	esac
	for needed in $(tr '\0' '\n' <"$out.new/$1.ko" | sed -n 's/^depends=//p' | tr , ' '); do
		add_module "$needed"
	done
	echo "$1.ko" >>"$out.new/modules"
}
# ext4 asks for a checksum by the name of its algorithm.
for module in overlay loop squashfs erofs crc32c_generic crc32c-generic ext4; do
	add_module "$module"
done
rm -rf "$out"
mv "$out.new" "$out"
