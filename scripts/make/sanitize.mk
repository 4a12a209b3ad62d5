# Builds nsbox with a sidecar of glibc and the address and undefined behaviour sanitizers, and runs the suite on it,
# without the tests that take minutes: `make sanitize T="hostile many"` runs those. test/sanitize/options.c has the
# sanitizers' options, with reasons. The sanitizers expect fixed addresses, so address randomization is off (setarch
# -R).
SANITIZED := dist/sanitize/dist
SANITIZE_FLAGS := -std=c11 -g -O1 $(C_WARNINGS) $(C_DEFINES) -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
SANITIZE_TESTS := plan/corpus sidecar/faults sidecar/overlay sidecar/report sidecar/paths attack/ $(addprefix e2e/,bake capabilities enter errors exec identity \
	limits mounts roots signals terminal)
$(SANITIZED)/nsbox-sidecar: $(C_SOURCES) test/sanitize/options.c $(C_HEADERS) $(MAKE_FILES) scripts/make/sanitize.mk package.json | sanitizers
	@mkdir -p $(@D)
	@$(say) CC $@
	$(Q)gcc $(SANITIZE_FLAGS) -o $@ $(C_SOURCES) test/sanitize/options.c

# The front end embeds all programs at these paths beside its sources. The helper that unpacks images is the plain one:
# its libraries have no instrumentation.
$(SANITIZED)/nsbox: $(TS_SOURCES) $(SANITIZED)/nsbox-sidecar $(HELPERS:%=dist/nsbox-%) dist/obj/entry.bin $(NPM)
	@$(say) BUN $@
	$(Q)cp $(HELPERS:%=dist/nsbox-%) $(SANITIZED)/
	$(Q)rm -rf dist/sanitize/src $@; cp -r src package.json tsconfig.json dist/sanitize/
	$(Q)$(BUN) $(BUN_BUILD) dist/sanitize/src/main.ts --outfile $@ >dist/sanitize/bun-build.log 2>&1 || { cat dist/sanitize/bun-build.log >&2; exit 1; }
	$(Q)$(BUN) src/launch/native/entry.ts $@ dist/obj/entry.bin $(CARRIED:%=$(SANITIZED)/%)

.PHONY: sanitize
sanitize: $(SANITIZED)/nsbox test-tools debian-root $(TEST_PROGRAMS) ## run tests on a build with sanitizers; T= as for test
	$(Q)NSBOX_TEST_BUILD=$(SANITIZED) setarch -R $(BUN) scripts/test.ts $(or $(T),$(SANITIZE_TESTS))
