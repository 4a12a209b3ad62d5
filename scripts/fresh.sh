#!/bin/bash
# fresh.sh DIR DEBIAN [COMMAND...]: tries this checkout on a machine that has node, npm, gcc and make, and nothing
# else: a copy of the Debian root DEBIAN in DIR/root. There `make STRICT=1` runs with every target that asks for
# something, then with what uses it (or with COMMAND alone). A machine that has everything installed would hide what
# is not asked for.
#
# The root has its own mounts and processes, which go when the command ends. Node and npm are this machine's, and so
# is what apt and npm need to reach what they reach here: proxies, certificates, mirrors. Downloads are kept in
# DIR/cache for the next time.
set -euo pipefail
checkout=$(cd "$(dirname "$0")/.." && pwd)

# The status if it could not be tried, which isn't the checkout's fault.
readonly NOT_TRIED=75
not_tried() { echo "fresh.sh: $1" >&2; exit $NOT_TRIED; }

inside() {
	cd /src
	export HOME=/root DEBIAN_FRONTEND=noninteractive PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	echo '  FRESH  gcc, make'
	{ apt-get -qq update && apt-get -qq install -y --no-install-recommends gcc libc6-dev make; } >/dev/null || not_tried 'gcc and make can not be installed'
	npm --version >/dev/null || not_tried "this machine's node and npm do not run in Debian"
	if [ $# -gt 0 ]; then "$@"; return; fi
	local needs
	needs=$(awk -F: '/^[a-z0-9-]+:/ { target = $1 } /^\t.*call need,/ { print target }' Makefile scripts/make/*.mk | sort -u)
	[ -n "$needs" ] || { echo 'fresh.sh: no target asks for anything' >&2; exit 1; }
	echo "  FRESH  make" $needs
	make STRICT=1 $needs
	echo '  FRESH  make, and what uses them'
	make STRICT=1 all lint
	make STRICT=1 fuzz FUZZ_SECONDS=1
	make STRICT=1 sanitize T=sidecar/report
	make STRICT=1 package
	make STRICT=1 test VM_KERNELS= GUESTS= T="e2e/exec e2e/terminal e2e/work seccomp/ sidecar/overlay"
}

# The part of apt's settings about reaching the mirrors, and the sources if they are for the same release.
apt_settings() {
	command -v apt-config >/dev/null || return 0
	apt-config dump | grep '^Acquire::' | grep -v IndexTargets >"$root/etc/apt/apt.conf.d/00host" || true
	local codename
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
	if [ "$codename" = "$(. "$root/etc/os-release" && echo "${VERSION_CODENAME-}")" ]; then
		rm -rf "$root/etc/apt/sources.list"
		cp -a /etc/apt/sources.list* /etc/apt/trusted.gpg* /etc/apt/auth.conf* "$root/etc/apt/" 2>/dev/null || true
		mkdir -p "$root/usr/share/keyrings" && cp -aL /usr/share/keyrings/. "$root/usr/share/keyrings/"
	fi
}

node_and_npm() {
	local npm
	npm=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
	mkdir -p "$root/usr/local/lib/node_modules" "$root/usr/local/bin"
	cp "$(readlink -f "$(command -v node)")" "$root/usr/local/bin/node"
	cp -a "$npm" "$root/usr/local/lib/node_modules/npm"
	ln -sf ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
	ln -sf ../lib/node_modules/npm/bin/npx-cli.js "$root/usr/local/bin/npx"
	# npm's settings, without those that name paths of this machine.
	npm config ls -l --json 2>/dev/null | node -e '
		const all = JSON.parse(require("fs").readFileSync(0, "utf8"))
		for (const key of ["registry", "proxy", "https-proxy", "noproxy", "cafile", "strict-ssl", "replace-registry-host"])
			if (typeof all[key] === "string" && all[key] !== "" || typeof all[key] === "boolean") console.log(`${key}=${all[key]}`)
		console.log("cache=/var/cache/npm")' >"$root/root/.npmrc"
}

# Runs in namespaces of its own: prepares the root, makes it the root directory, and goes on inside.
prepare() {
	dir=$1 debian=$2
	shift 2
	root=$dir/root
	rm -rf --one-file-system "$root"
	mkdir -p "$dir/cache/apt" "$dir/cache/npm"
	cp -a "$debian" "$root"
	mkdir -p "$root/src" "$root/var/cache/npm" "$root/etc/ssl"
	apt_settings
	node_and_npm
	[ ! -d /etc/ssl/certs ] || cp -aLT /etc/ssl/certs "$root/etc/ssl/certs" 2>/dev/null || true
	cp -L /etc/resolv.conf "$root/etc/resolv.conf"
	(cd "$checkout" && { git ls-files -z --cached --others --exclude-standard 2>/dev/null ||
		find . \( -path ./dist -o -path ./node_modules \) -prune -o -type f -print0; } | xargs -0 sh -c 'for file; do [ ! -e "$file" ] || printf "%s\0" "$file"; done' sh |
		tar -c --null -T - | tar -x --no-same-owner -C "$root/src")
	# The Debian root that the tests run boxes in exists here already.
	mkdir -p "$root/src/dist" && cp -a "$debian" "$root/src/dist/debian-root"
	mount --bind "$root" "$root"
	mount --bind "$dir/cache/apt" "$root/var/cache/apt/archives"
	mount --bind "$dir/cache/npm" "$root/var/cache/npm"
	mount --rbind /dev "$root/dev"
	mount --rbind /sys "$root/sys"
	mount -t proc proc "$root/proc"
	mount -t tmpfs -o mode=1777 tmp "$root/tmp"
	mkdir -p "$root/mnt"
	cd "$root"
	pivot_root . mnt
	exec bash /src/scripts/fresh.sh --inside "$@"
}

case $1 in
--prepare) shift; prepare "$@" ;;
--inside) shift; umount -l /mnt; inside "$@" ;;
*)
	unshare --mount --pid --fork true || not_tried 'no namespaces can be made here'
	status=0
	unshare --mount --propagation private --pid --fork --kill-child bash "$0" --prepare "$@" || status=$?
	[ "$status" -ne 0 ] || rm -rf --one-file-system "$1/root"
	exit "$status"
	;;
esac
