# Times the start of a box and the unpacking of images, beside other programs that are there or can be installed. BENCH_PEERS= installs none.
# make bench FLAGS=--readme writes the figures of docs/benchmarks.md anew.
.PHONY: bench bench-peers soak attack-peers
dist/bench/%: scripts/bench/%.c $(MAKE_FILES) | musl
	@mkdir -p $(@D)
	@$(say) CC $@
	$(Q)$(MUSL_CC) -std=c11 -D_GNU_SOURCE -O2 $(C_WARNINGS) $(kernel_headers) -static -o $@ $<

BENCH_PEERS ?= bwrap unshare firejail runc crun systemd-nspawn proot socat rg podman umoci mksquashfs xz zstd patchelf
BENCH_PACKAGES := bubblewrap util-linux firejail runc crun systemd-container proot socat ripgrep podman umoci squashfs-tools xz-utils zstd patchelf
# Those whose newest releases run here without being installed.
BENCH_NEWEST := bubblewrap crun runc
BENCH_RUNTIME := @anthropic-ai/sandbox-runtime@0.0.83
bench-peers:
	@$(call need,$(BENCH_PEERS),$(BENCH_PACKAGES),what is not installed is left out of the comparison) $(if_possible)
	$(Q)if [ -z '$(BENCH_PEERS)' ] || [ -e dist/bench/newest ]; then exit 0; fi; mkdir -p dist/bench; $(say) NEWEST '$(BENCH_NEWEST)'; \
	sh scripts/bench/newest.sh $(CURDIR)/dist/bench/newest $(BENCH_NEWEST) >dist/bench/newest.log 2>&1 || \
		echo "make: the newest of $(BENCH_NEWEST) can not be had, and those that are installed are compared: $$(tail -n 1 dist/bench/newest.log)" >&2
	$(Q)if [ -z '$(BENCH_PEERS)' ] || [ -e dist/bench/node_modules ]; then exit 0; fi; $(say) NPM $(BENCH_RUNTIME); \
	npm install --prefix dist/bench --no-save --no-audit --no-fund --ignore-scripts --loglevel=error $(BENCH_RUNTIME) >/dev/null 2>&1 || \
		echo 'make: $(BENCH_RUNTIME) can not be installed, and is left out of the comparison' >&2

# crun refuses a hierarchy of both kinds of control groups, so root has them without the newer kind, in a mount namespace.
BENCH_APART = $(if $(filter 0,$(shell id -u)),unshare --mount --propagation private sh -c 'umount /sys/fs/cgroup/unified 2>/dev/null || :; exec "$$@"' sh)
bench: all $(BENCH_PROGRAMS) bench-peers ## time the start of a box and images, beside others; FLAGS=--readme writes the figures of docs/benchmarks.md
	$(Q)$(BENCH_APART) $(BUN) scripts/bench/main.ts $(FLAGS)

# Starts thousands of boxes and kills many at a random moment. Every status must be right, and nothing may be left.
SOAK_BOXES ?= 10000
soak: all test-tools ## start thousands of boxes and kill many of them; SOAK_BOXES=10000
	$(Q)$(BUN) scripts/soak.ts $(SOAK_BOXES) $(SOAK_SEED)

# Runs the attack program under other launchers that are installed, for the table of docs/SECURITY.md.
attack-peers: all test-tools $(TEST_PROGRAMS) ## run the attack program under other launchers
	$(Q)$(BUN) scripts/attack-peers.ts
