#!/bin/sh
# vm-kernel.sh NAME OUT: puts a kernel of Debian into the directory OUT: vmlinuz, release, modules, and the
# modules that the tests need. The file `modules` lists those that the package has, in the order in which they load.
# Nothing is installed on this machine.
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

[ "$(dpkg --print-architecture)" = amd64 ] || { echo "the kernel is a package of Debian, and this machine's sources are for amd64" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$(dirname "$0")/own-apt.sh"
own_apt_for "$work" "$archive" "$suite" "$architecture"
# The newest of the packages that have the kernel itself; in sid the image package only signs what linux-binary has.
package=$(own_apt apt-cache pkgnames | grep -E "^linux-(image|binary)-$version[.][^ ]*-$flavour\$" | sort -V | awk '/^linux-binary/ { binary = $0 } { last = $0 } END { print binary ? binary : last }')
[ -n "$package" ] || { echo "$suite has no kernel" >&2; exit 1; }
cd "$work"
release=${package#linux-*-}
# Newer packages of the kernel leave its modules to another one.
own_apt apt-get download "$package" $(own_apt apt-cache pkgnames "linux-modules-$release" | grep -x "linux-modules-$release") >&2
for archive in ./*.deb; do dpkg-deb -x "$archive" unpacked; done
image=$(find unpacked -name 'vmlinuz*' -type f | head -n 1)
[ -n "$image" ] || { echo "$package has no vmlinuz" >&2; exit 1; }
rm -rf "$out.new"
mkdir -p "$out.new"
cp "$image" "$out.new/vmlinuz"
printf '%s %s\n' "$release" "$(own_apt apt-cache show "$package" | sed -n 's/^Version: //p' | head -n 1)" >"$out.new/release"

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
