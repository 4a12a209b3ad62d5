#!/bin/sh
# programs-root.sh DEBIAN ROOT PACKAGE...: makes ROOT, a copy of DEBIAN with these packages, for the tests that build
# roots of real programs. A package that apt doesn't have is left out, and ROOT/absent says so, a line each.
# In ROOT, /tls has a certificate for localhost, whose authority the system trusts as one that an administrator added.
# /checkout and /work are for the test to mount.
set -eu
debian=$1 root=$2
shift 2

rm -rf --one-file-system "$root.new"
cp -a "$debian" "$root.new"
mkdir -p "$root.new/checkout" "$root.new/work" "$root.new/tls" "$root.new/roots"
cat >"$root.new/tls/make" <<'END'
set -eu
cd /tls
: >/absent
apt-get -qq update
for name; do
	if apt-cache show "$name" >/dev/null 2>&1; then set -- "$@" "$name"; else echo "$name: apt knows no such package" >>/absent; fi
	shift
done
# No daemon of a package starts.
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
apt-get -qq install -y --no-install-recommends "$@"
rm -f /var/cache/apt/archives/*.deb
[ -e /etc/hosts ] || echo '127.0.0.1 localhost' >/etc/hosts

openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj '/CN=nsbox test authority' -keyout ca.key -out ca.pem
openssl req -newkey rsa:2048 -nodes -subj '/CN=localhost' -keyout server.key -out server.csr
printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n' >server.ext
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 -extfile server.ext -out server.pem
chmod 644 server.key
cp ca.pem /usr/local/share/ca-certificates/nsbox-test.crt
update-ca-certificates
END
# shellcheck disable=SC2016
unshare -m --propagation private sh -euc '
root=$1
shift
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
[ -e "$root/etc/resolv.conf" ] || : >"$root/etc/resolv.conf"
mount --bind /etc/resolv.conf "$root/etc/resolv.conf"
exec chroot "$root" /usr/bin/env PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C HOME=/ sh /tls/make "$@"
' sh "$root.new" "$@"
rm "$root.new/tls/make"
rm -rf --one-file-system "$root"
mv "$root.new" "$root"
