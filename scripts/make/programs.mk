# Debian with programs of its packages, for the tests that build roots of them: a few for `make test`, and all for
# `make test-programs`. If it can't be made, dist/NAME.skipped has the reason, the tests print it, and `make clean`
# makes it be tried again.
.PHONY: programs-root all-programs-root test-programs programs-table
programs-root all-programs-root: debian-root $(NPM)
	$(Q)packages=$$($(BUN) test/programs/cases.ts $@); \
	if [ "$$(cat dist/$@/packages 2>/dev/null)" = "$$packages" ] || [ -e dist/$@.skipped ]; then exit 0; fi; \
	if [ ! -e dist/debian-root ]; then cp dist/debian-root.skipped dist/$@.skipped; exit 0; fi; \
	$(say) DEBIAN dist/$@; rm -rf --one-file-system dist/$@; \
	if timeout $(PROGRAMS_SECONDS) sh scripts/programs-root.sh dist/debian-root dist/$@ $$packages >dist/$@.log 2>&1; then \
		echo "$$packages" >dist/$@/packages; \
	else \
		echo "its packages were not installed: $$(tail -n 1 dist/$@.log)" >dist/$@.skipped; rm -rf --one-file-system dist/$@.new; \
	fi
programs-root: PROGRAMS_SECONDS ?= 240
all-programs-root: PROGRAMS_SECONDS ?= 1200

test-programs: all all-programs-root ## try all programs of docs/programs-in-roots.md in roots of their own; downloads 1 GB once
	$(Q)$(BUN) test/programs/table.ts

programs-table: all all-programs-root ## write docs/programs-in-roots.md: what all its programs do in roots of their own
	$(Q)$(BUN) test/programs/table.ts --write

# Debian with Slurm and GNU parallel, for the tests of the guide to many machines.
.PHONY: slurm-root
slurm-root: debian-root
	$(Q)if [ -e dist/$@ ] || [ -e dist/$@.skipped ]; then exit 0; fi; \
	if [ ! -e dist/debian-root ]; then cp dist/debian-root.skipped dist/$@.skipped; exit 0; fi; \
	$(say) DEBIAN dist/$@; \
	if ! timeout 240 sh scripts/programs-root.sh dist/debian-root dist/$@ slurm-wlm parallel openssl ca-certificates >dist/$@.log 2>&1; then \
		echo "its packages were not installed: $$(tail -n 1 dist/$@.log)" >dist/$@.skipped; rm -rf --one-file-system dist/$@.new; \
	fi
