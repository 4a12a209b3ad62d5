#!/bin/sh
# deb.sh VERSION MACHINE FILES OUT: makes the Debian package of the files that files.sh has put into FILES.
set -eu
version=$1 machine=$2 files=$3 out=$4
: "${MAINTAINER:?whom the package names}"
case $machine in
x64) architecture=amd64 ;;
*) architecture=$machine ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root doc=$work/root/usr/share/doc/nsbox
date=$(date -u -R -d "@$SOURCE_DATE_EPOCH")

install -D -m 755 "$files/nsbox" "$root/usr/bin/nsbox"
install -D -m 644 "$files/completions/nsbox.bash" "$root/usr/share/bash-completion/completions/nsbox"
install -D -m 644 "$files/completions/_nsbox" "$root/usr/share/zsh/vendor-completions/_nsbox"
install -D -m 644 "$files/completions/nsbox.fish" "$root/usr/share/fish/vendor_completions.d/nsbox.fish"
install -D -m 644 "$files/apparmor/nsbox" "$root/usr/share/nsbox/apparmor/nsbox"
mkdir -p "$root/usr/share/man/man1" "$doc" "$root/usr/share/lintian/overrides"
gzip -9n <"$files/nsbox.1" >"$root/usr/share/man/man1/nsbox.1.gz"
{
	printf 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: nsbox\n\nFiles: *\nCopyright: %s\nLicense: Expat\n' "$(sed -n 's/^Copyright (c) //p' "$files/LICENSE")"
	sed '1,/^Copyright/d' "$files/LICENSE" | sed '/./,$!d; s/^$/./; s/^/ /'
	printf '\nComment: usr/share/doc/nsbox/THIRD-PARTY.gz has the notices of the libraries in the program.\n'
} >"$doc/copyright"
gzip -9n <"$files/THIRD-PARTY.txt" >"$doc/THIRD-PARTY.gz"
printf 'nsbox (%s) stable; urgency=medium\n\n  * Release %s.\n\n -- %s  %s\n' "$version" "$version" "$MAINTAINER" "$date" | gzip -9n >"$doc/changelog.gz"
cat >"$root/usr/share/lintian/overrides/nsbox" <<'EOF'
# The program is one that Bun compiled: it carries its JavaScript, which has to stay where it is, and Bun's own
# libraries. Bun links it at a fixed address.
nsbox: embedded-library *
nsbox: hardening-no-pie *
nsbox: hardening-no-bindnow *
nsbox: hardening-no-relro *
nsbox: unstripped-binary-or-object *
nsbox: spelling-error-in-binary *
# There is no bug of Debian that the first version closes.
nsbox: initial-upload-closes-no-bugs *
EOF
mkdir "$root/DEBIAN"
cat >"$root/DEBIAN/control" <<EOF
Package: nsbox
Version: $version
Architecture: $architecture
Maintainer: $MAINTAINER
Installed-Size: $(du -k --apparent-size -s "$root" | cut -f1)
Depends: libc6 (>= 2.17)
Section: utils
Priority: optional
Description: run a command in its own view of the machine
 nsbox starts a command with mounts, a root directory, processes and a network
 of its own. Nothing of that shows outside. Roots are directories, images of
 whole systems, or are built from programs and the libraries they need.
 .
 It needs no daemon, no setuid program and no configuration.
EOF
# Ubuntu keeps programs without a profile from making user namespaces. Before AppArmor 4 the profile's first line is an error.
cat >"$root/DEBIAN/postinst" <<'EOF'
#!/bin/sh
set -e
if [ "$1" = configure ] && [ -e /etc/apparmor.d/abi/4.0 ]; then
	cp /usr/share/nsbox/apparmor/nsbox /etc/apparmor.d/nsbox
	if [ -d /sys/kernel/security/apparmor ] && command -v apparmor_parser >/dev/null; then
		apparmor_parser -r /etc/apparmor.d/nsbox || true
	fi
fi
EOF
cat >"$root/DEBIAN/prerm" <<'EOF'
#!/bin/sh
set -e
if [ "$1" = remove ] && [ -e /etc/apparmor.d/nsbox ]; then
	if [ -d /sys/kernel/security/apparmor ] && command -v apparmor_parser >/dev/null; then
		apparmor_parser -R /etc/apparmor.d/nsbox || true
	fi
	rm -f /etc/apparmor.d/nsbox
fi
EOF
# Images, and plans of root's boxes: all of it can be had again.
cat >"$root/DEBIAN/postrm" <<'EOF'
#!/bin/sh
set -e
if [ "$1" = purge ]; then rm -rf --one-file-system /var/cache/nsbox; fi
EOF
chmod 755 "$root/DEBIAN/postinst" "$root/DEBIAN/prerm" "$root/DEBIAN/postrm"
(cd "$root" && find usr -type f | LC_ALL=C sort | xargs md5sum >DEBIAN/md5sums)
find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
level=${XZ_LEVEL:-9e} strategy=none
[ "${level%e}" = "$level" ] || strategy=extreme
dpkg-deb --root-owner-group -Zxz "-z${level%e}" "-S$strategy" --threads-max=1 --build "$root" "$out/nsbox_${version}_$architecture.deb" >/dev/null
