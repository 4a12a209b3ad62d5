# Compiles the C again with glibc, once with the sanitizers' instrumentation and once with fortified functions, for
# the warnings that only these give, and runs clang-tidy. (The analyzer of gcc 12 adds only false leaks.)
LINT_C := $(sort $(C_SOURCES) $(UNPACK_SOURCES) $(HELPER_SOURCES) $(wildcard sidecar/*/*_fuzz.c) $(wildcard test/sanitize/*.c))
LINT_GCC := gcc -std=c11 $(C_WARNINGS) $(C_DEFINES) -c -o /dev/null
CLANG_TIDY ?= clang-tidy
dist/lint/%.ok: %.c $(C_HEADERS) .clang-tidy
	@mkdir -p $(@D)
	@$(say) LINT $<
	$(Q)$(LINT_GCC) -O1 -fsanitize=address,undefined $<
	$(Q)$(LINT_GCC) -O2 -D_FORTIFY_SOURCE=2 $<
	$(Q)if command -v $(CLANG_TIDY) >/dev/null; then $(CLANG_TIDY) --quiet $< -- -std=c11 $(C_DEFINES) 2>$(@:.ok=.log) || { cat $(@:.ok=.log) >&2; exit 1; }; fi
	$(Q)touch $@

# The native code needs its own flags, and makes pointers of what system calls return.
dist/lint/src/launch/native/entry.ok: src/launch/native/entry.c $(NATIVE_HEADERS) .clang-tidy
	@mkdir -p $(@D)
	@$(say) LINT $<
	$(Q)if command -v $(CLANG_TIDY) >/dev/null; then $(CLANG_TIDY) --quiet --checks=-performance-no-int-to-ptr --header-filter='launch/native/' $< -- -std=c11 -ffreestanding 2>$(@:.ok=.log) || { cat $(@:.ok=.log) >&2; exit 1; }; fi
	$(Q)touch $@

.PHONY: clang-tidy
clang-tidy:
	@$(call need,$(CLANG_TIDY),clang-tidy,the C is not checked by clang-tidy until it is installed (on Debian and Ubuntu: apt-get install clang-tidy)) $(if_possible)

lint: $(NPM) | clang-tidy unpack-libraries ## check types, layers, names, generated files, format and the C
	@$(say) TSC .
	$(Q)node_modules/.bin/tsc
	@$(say) GEN --check
	$(Q)$(BUN) --conditions=package scripts/gen.ts --check
	@$(say) LAYERS .
	$(Q)$(BUN) scripts/layers.ts
	@$(say) NAMES .
	$(Q)$(BUN) scripts/names.ts
	$(Q)if [ '$(FORMAT_CHECK)' != 0 ]; then $(MAKE) format-check; fi
	$(Q)$(MAKE) -j$$(nproc) $(LINT_C:%.c=dist/lint/%.ok) dist/lint/src/launch/native/entry.ok
