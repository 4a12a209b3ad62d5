# Builds a program for each sidecar/NAME_fuzz.c, linked with all sources but main.c and those that it includes itself.
# It starts from the corpus of plans and from test/fuzz/NAME.
CLANG ?= clang
FUZZ_SECONDS ?= 30
FUZZERS := $(patsubst sidecar/plan/%_fuzz.c,dist/fuzz/%,$(wildcard sidecar/*/*_fuzz.c))

.PHONY: fuzz
fuzz: $(FUZZERS) ## fuzz the readers of plans; FUZZ_SECONDS=30
	@[ -n '$(FUZZERS)' ] || echo 'make: no sidecar/*/*_fuzz.c: nothing to fuzz'
	$(Q)for program in $(FUZZERS); do \
		$(say) FUZZ "$$program for $(FUZZ_SECONDS) s"; \
		mkdir -p $$program.corpus; \
		seeds=test/fixtures/plans; [ ! -d test/fuzz/$${program##*/} ] || seeds="$$seeds test/fuzz/$${program##*/}"; \
		$$program -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=$$program- -print_final_stats=0 -verbosity=0 $$program.corpus $$seeds; \
	done

dist/fuzz/%: sidecar/plan/%_fuzz.c $(C_SOURCES) $(C_HEADERS) $(MAKE_FILES) scripts/make/fuzz.mk | clang
	@mkdir -p $(@D)
	@$(say) CLANG $*_fuzz
	$(Q)included=$$(sed -n 's/^ *# *include *"\([^"]*\.c\)".*/sidecar\/\1/p' $<); \
	others=$$(printf '%s\n' $(C_SOURCES) | grep -vxF "$$(printf '%s\n' sidecar/main.c $$included)" || true); \
	$(CLANG) -std=c11 -g -O1 $(C_DEFINES) -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o $@ $< $$others
