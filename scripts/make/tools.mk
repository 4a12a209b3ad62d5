# The tools that targets need, and how they are installed.

# $(call need,WHAT,PACKAGES,SENTENCE) installs the packages, if it can and a WHAT is missing, and fails if one still
# is. It tries each WHAT, since a compiler may be there without its sanitizers, say. STRICT=1: targets that could go
# on without a WHAT fail, too.
need = sh scripts/need.sh '$(1)' '$(2)' '$(3)'
if_possible = || [ -z '$(STRICT)' ]

# The packages of package-lock.json. An install without the stamp file is accepted if it satisfies package.json.
# If npm runs no install scripts, bun's program has to be fetched here.
$(NPM): package-lock.json
	$(Q)if [ -e $@ ] || ! npm ls >/dev/null 2>&1; then $(say) NPM ci; npm ci --no-audit --no-fund --loglevel=error >/dev/null; fi
	$(Q)$(BUN) --version >/dev/null 2>&1 || { $(say) BUN install; node node_modules/bun/install.js; }
	$(Q)$(BUN) --version >/dev/null
	$(Q)touch $@

.PHONY: musl test-tools guests clang sanitizers
musl:
	@$(call need,$(subst $(space),:,$(MUSL_CC) -static -include linux/mount.h -idirafter /usr/include -idirafter /usr/include/$(shell gcc -print-multiarch)),musl-tools linux-libc-dev,install musl-gcc (on Debian and Ubuntu: apt-get install musl-tools linux-libc-dev) or name one with MUSL_CC=)

TEST_PACKAGES := strace procps util-linux busybox-static uidmap tmux debootstrap python3 git libcap2-bin docker-registry openssl zstd skopeo iproute2 curl less xz-utils
test-tools:
	@$(call need,strace pgrep unshare setpriv static:/bin/busybox newuidmap tmux debootstrap import:multiprocessing git setcap zstd skopeo docker-registry openssl ip curl less xz,$(TEST_PACKAGES),some tests may fail or be skipped until they are installed (on Debian and Ubuntu: apt-get install $(TEST_PACKAGES))) $(if_possible)

# Programs that tests run in boxes, and container engines in which tests run boxes. `make test GUESTS=` installs none.
# A browser is tested if there is one: make test GUESTS="$(GUESTS) chromium".
GUESTS := podman crun bwrap systemd-nspawn Xvfb xterm xdpyinfo gdb perf ping losetup mkfs.ext4 mksquashfs mkfs.erofs xorriso umoci zstd lz4 xz pasta
GUEST_PACKAGES := podman crun golang-github-containers-common bubblewrap systemd-container xvfb xterm x11-utils gdb linux-perf iputils-ping mount e2fsprogs squashfs-tools erofs-utils xorriso umoci zstd lz4 xz-utils passt
guests:
	@[ -z '$(GUESTS)' ] || $(call need,$(GUESTS),$(GUEST_PACKAGES) $(filter chromium,$(GUESTS)),the tests that take them are skipped (on Debian: apt-get install $(GUEST_PACKAGES))) $(if_possible)

# The names of the runtime libraries have the version of the clang that is installed.
CLANG_PACKAGES = clang llvm libclang-rt-dev $(shell $(CLANG) -dumpversion 2>/dev/null | sed 's/\..*//; s/.*/libclang-rt-&-dev/')
clang:
	@$(call need,$(subst $(space),:,$(CLANG)):-fsanitize=fuzzer$(,)address$(,)undefined,$(CLANG_PACKAGES),install clang with its libFuzzer and sanitizers (on Debian and Ubuntu: apt-get install clang llvm libclang-rt-dev) or name one with CLANG=)

sanitizers:
	@$(call need,gcc:-fsanitize=address$(,)undefined,gcc libasan8 libubsan1,install the address and undefined behaviour sanitizers of gcc (libasan and libubsan))
