# What a release is: dist/release/, for x86-64 and arm64. Two builds of one commit are the same, byte for byte.

RELEASE := dist/release
# The time of all files in it: that of the commit.
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
# Whom Debian's packages name: who made the commit.
RELEASE_MAINTAINER ?= $(shell git log -1 --format='%an <%ae>' 2>/dev/null)

# package.json names addresses that are not there: nobody could install this release by what it says of itself.
placeholders = if grep -q '//nsbox\.example/' package.json; then \
	echo 'make: NOT FOR PUBLISHING: package.json has addresses of nsbox.example, which is no place: set config.release, homepage, repository and bugs, then make gen' >&2; \
	[ '$(FINAL)' != 1 ]; fi

.PHONY: dist dist-twice release-tools
release-tools:
	@$(call need,xz dpkg-deb sha256sum,xz-utils dpkg coreutils,install what makes the archives (on Debian: apt-get install xz-utils dpkg))

dist: all package $(ARM64)/nsbox release-tools ## make the files of a release, for x86-64 and arm64, in dist/release; FINAL=1: only with real addresses
	@[ '$(FINAL)' != 1 ] || { $(placeholders); }
	@$(say) DIST $(RELEASE)
	$(Q)SOURCE_DATE_EPOCH='$(SOURCE_DATE_EPOCH)' MAINTAINER='$(RELEASE_MAINTAINER)' $(if $(XZ_LEVEL),XZ_LEVEL='$(XZ_LEVEL)') sh scripts/release/files.sh '$(VERSION)' '$(RELEASE)' $(STATIC_PROGRAMS)
	$(Q)SOURCE_DATE_EPOCH='$(SOURCE_DATE_EPOCH)' $(BUN) scripts/release/sbom.ts musl-dev $$(dpkg -S "$$(gcc -print-libgcc-file-name)" | cut -d: -f1) $(UNPACK_PACKAGES) >$(RELEASE)/nsbox-$(VERSION).cdx.json
	$(Q)cd $(RELEASE) && rm -f SHA256SUMS && sha256sum -- * >SHA256SUMS.new && mv SHA256SUMS.new SHA256SUMS && cat SHA256SUMS
	@$(placeholders)

dist-twice: all package $(ARM64)/nsbox release-tools ## make the files of a release twice, in two directories, and compare them
	$(Q)bash scripts/release/twice.sh '$(CURDIR)/dist/twice'
