# To be sourced: apt with lists of its own, from the mirrors that this machine's apt uses, so that the machine's package
# system stays as it is. own_apt_for WORK ARCHIVE SUITE ARCHITECTURE makes it ready in the directory WORK; ARCHIVE is
# `debian` or `security`. Then `own_apt PROGRAM WORD...` runs apt-get or apt-cache, and packages that it downloads for
# an installation are in WORK/cache/archives.

own_apt_for() {
	own_apt_work=$1 own_apt_architecture=$4
	keys=/usr/share/keyrings/debian-archive-keyring.gpg
	command -v apt-get >/dev/null || { echo 'no apt-get' >&2; return 1; }
	[ -e "$keys" ] || { echo "$keys, which packages of Debian are checked with, is missing" >&2; return 1; }
	mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
		awk -v archive="$2" '($2 ~ /-security$/) == (archive == "security") && $2 !~ /-updates$|-backports$/ { print $1; exit }')
	[ -n "$mirror" ] || { echo "this machine's apt has no source for $3" >&2; return 1; }
	mkdir -p "$1/lists/partial" "$1/cache/archives/partial" "$1/sources"
	echo "deb [signed-by=$keys] $mirror $3 main" >"$1/sources/a.list"
	own_apt apt-get update >&2
}

own_apt() {
	program=$1
	shift
	"$program" -qq -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$own_apt_work/sources" -o Dir::Etc::preferencesparts=/dev/null \
		-o Dir::State="$own_apt_work" -o Dir::State::lists="$own_apt_work/lists" -o Dir::State::status=/dev/null -o Dir::Cache="$own_apt_work/cache" \
		-o Acquire::Languages=none -o APT::Sandbox::User=root \
		-o APT::Architecture="$own_apt_architecture" -o APT::Architectures="$own_apt_architecture" "$@"
}
