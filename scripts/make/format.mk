# One format: prettier for TypeScript, clang-format for C, 120 columns. .prettierignore and the list here leave out what is generated, and
# tables. `make lint` compares; FORMAT_CHECK=0 leaves that out.
FORMAT_CHECK ?= 1
CLANG_FORMAT ?= clang-format
FORMAT_C = $(filter-out src/launch/native/words.h sidecar/plan/contract.h sidecar/base/steps.h sidecar/base/errno_name.c,$(shell find sidecar src test/c test/sanitize scripts/bench -name '*.[ch]' | sort))

.PHONY: clang-format format format-check
clang-format:
	@$(call need,$(CLANG_FORMAT),clang-format,the C is not formatted until it is installed (on Debian and Ubuntu: apt-get install clang-format)) $(if_possible)

format: $(NPM) | clang-format ## format the TypeScript and the C
	$(Q)node_modules/.bin/prettier --log-level warn --write src scripts test
	$(Q)$(CLANG_FORMAT) -i $(FORMAT_C)

format-check: $(NPM) | clang-format
	@$(say) FORMAT --check
	$(Q)node_modules/.bin/prettier --log-level warn --check src scripts test
	$(Q)if command -v $(CLANG_FORMAT) >/dev/null; then $(CLANG_FORMAT) --dry-run --Werror $(FORMAT_C); fi
	$(Q)$(BUN) scripts/long-lines.ts
