#!/bin/sh
# foreign-images.sh OUT: puts boot images and an initrd of Debian's packages into the directory OUT, as others have
# made them. The packages are downloaded with lists of our own, and never installed. OUT/PACKAGE.skipped says why one
# could not be had.
set -eu
out=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rm -rf "$out.new"
mkdir -p "$out.new" "$work/lists/partial"
cd "$work"
apt() { "$@" -qq -o Dir::State::lists="$work/lists" -o Acquire::Languages=none -o APT::Sandbox::User=root; }
if ! command -v apt-get >/dev/null; then
	updated='they are packages of Debian'
elif ! updated=$(apt apt-get update 2>&1); then
	updated="no lists of packages: $(echo "$updated" | tail -n 1)"
else
	updated=
fi

# take PACKAGE FILE...: FILE is a path in the package.
take() {
	package=$1
	shift
	rm -rf unpacked ./*.deb
	if [ -n "$updated" ]; then
		echo "$updated" >"$out.new/$package.skipped"
	elif ! said=$(apt apt-get download "$package" 2>&1) || ! said=$(dpkg-deb -x ./*.deb unpacked 2>&1); then
		echo "$said" | tail -n 1 >"$out.new/$package.skipped"
	else
		for file in "$@"; do cp "unpacked/$file" "$out.new/"; done
	fi
}
take memtest86+ usr/lib/memtest86+/memtest86+x64.iso boot/memtest86+x64.bin
take grub-rescue-pc usr/lib/grub-rescue/grub-rescue-cdrom.iso usr/lib/grub-rescue/grub-rescue-floppy.img
take ipxe usr/lib/ipxe/ipxe.iso boot/ipxe.efi
installer=usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64
take debian-installer-12-netboot-amd64 $installer/initrd.gz $installer/linux
rm -rf "$out"
mv "$out.new" "$out"
