# Builds a program for each sidecar/plan/NAME_fuzz.c, linked with all sources but main.c and those that it includes
# itself. It starts from the corpus of plans and from test/fuzz/NAME. Those of sidecar/unpack/NAME_fuzz.c include all that
# they need but the libraries, and start from what test/fuzz/unpack-seeds.ts makes; those of sidecar/net/NAME_fuzz.c
# include all that they need, and start from what test/fuzz/net-seeds.ts makes; those of sidecar/hide/ likewise, from
# test/fuzz/hide-NAME.
CLANG ?= clang
FUZZ_SECONDS ?= 30
FUZZERS := $(patsubst sidecar/plan/%_fuzz.c,dist/fuzz/%,$(wildcard sidecar/plan/*_fuzz.c)) \
	$(patsubst sidecar/unpack/%_fuzz.c,dist/fuzz/unpack-%,$(wildcard sidecar/unpack/*_fuzz.c)) \
	$(patsubst sidecar/net/%_fuzz.c,dist/fuzz/net-%,$(wildcard sidecar/net/*_fuzz.c)) \
	$(patsubst sidecar/hide/%_fuzz.c,dist/fuzz/hide-%,$(wildcard sidecar/hide/*_fuzz.c))

# They are built and run as many at a time as there are processors; each prints when it has ended.
FUZZ_RUNS := $(FUZZERS:dist/fuzz/%=fuzz-run/%)
.PHONY: fuzz $(FUZZ_RUNS)
fuzz: $(NPM) | clang unpack-libraries ## fuzz the readers of plans, of images, and of what comes from a network; FUZZ_SECONDS=30
	@[ -n '$(FUZZERS)' ] || { echo 'make: no sidecar/*/*_fuzz.c: nothing to fuzz' >&2; exit 1; }
	$(Q)$(BUN) test/fuzz/unpack-seeds.ts dist/fuzz/seeds
	$(Q)$(BUN) test/fuzz/net-seeds.ts dist/fuzz/seeds
	$(Q)$(MAKE) -j$$(nproc) --output-sync=target $(FUZZ_RUNS)

$(FUZZ_RUNS): fuzz-run/%: dist/fuzz/%
	@$(say) FUZZ "$< for $(FUZZ_SECONDS) s"
	$(Q)mkdir -p $<.corpus; leaks=1; case $* in \
		unpack-squashfs|unpack-nested) leaks=0 seeds=dist/fuzz/seeds/$(*:unpack-%=%);; \
		unpack-*) seeds=dist/fuzz/seeds/$(*:unpack-%=%);; \
		net-*) seeds=dist/fuzz/seeds/$*;; \
		hide-*) seeds=test/fuzz/$*;; \
		*) seeds=test/fixtures/plans; [ ! -d test/fuzz/$* ] || seeds="$$seeds test/fuzz/$*";; \
	esac; \
	ASAN_OPTIONS=detect_leaks=$$leaks $< -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=$<- -print_final_stats=0 -verbosity=0 -max_len=131072 -malloc_limit_mb=6000 $<.corpus $$seeds

dist/fuzz/%: sidecar/plan/%_fuzz.c $(C_SOURCES) $(C_HEADERS) $(MAKE_FILES) scripts/make/fuzz.mk | clang
	@mkdir -p $(@D)
	@$(say) CLANG $*_fuzz
	$(Q)included=$$(sed -n 's/^ *# *include *"\([^"]*\.c\)".*/sidecar\/\1/p' $<); \
	others=$$(printf '%s\n' $(C_SOURCES) | grep -vxF "$$(printf '%s\n' sidecar/main.c $$included)" || true); \
	$(CLANG) -std=c11 -g -O1 $(C_DEFINES) -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o $@ $< $$others

# The libraries are not instrumented. libsquashfuse forgets to free what it has when an image turns out to be damaged.
dist/fuzz/unpack-%: sidecar/unpack/%_fuzz.c $(UNPACK_SOURCES) $(wildcard sidecar/unpack/*.h) dist/obj/libsquashfuse.a $(MAKE_FILES) scripts/make/fuzz.mk | clang unpack-libraries
	@mkdir -p $(@D)
	@$(say) CLANG $*_fuzz
	$(Q)$(CLANG) -std=c11 -g -O1 $(C_DEFINES) -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o $@ $< \
		dist/obj/libsquashfuse.a $(patsubst %,-l%,$(filter-out squashfuse,$(UNPACK_LIBRARIES)))

dist/fuzz/net-%: sidecar/net/%_fuzz.c $(NET_SOURCES) $(wildcard sidecar/net/*.h) $(MAKE_FILES) scripts/make/fuzz.mk | clang
	@mkdir -p $(@D)
	@$(say) CLANG $*_fuzz
	$(Q)$(CLANG) -std=c11 -g -O1 $(C_DEFINES) -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o $@ $<

dist/fuzz/hide-%: sidecar/hide/%_fuzz.c $(wildcard sidecar/hide/*.[ch]) sidecar/base/utf8.c $(MAKE_FILES) scripts/make/fuzz.mk | clang
	@mkdir -p $(@D)
	@$(say) CLANG $*_fuzz
	$(Q)$(CLANG) -std=c11 -g -O1 $(C_DEFINES) -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o $@ $<
