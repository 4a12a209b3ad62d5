# nsbox: `make` builds dist/nsbox and dist/nsbox-sidecar. A machine with node, npm, gcc and make is enough: every
# target installs what else it needs, or says how to. `make help` lists the targets; what is not here is in
# scripts/make/, a file for each concern.

MAKEFLAGS += --no-builtin-rules --no-print-directory
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

VERSION := $(shell sed -n 's/^ *"version": *"\([^"]*\)".*/\1/p' package.json)
BUN := node_modules/.bin/bun
NPM := node_modules/.nsbox-installed
HELPERS := $(shell sed '/^\#/d' scripts/helpers.txt)
STATIC_PROGRAMS := nsbox-sidecar $(HELPERS:%=nsbox-%)
export PATH := $(PATH):/usr/sbin:/sbin

# V=1 shows the commands.
Q := $(if $(V),,@)
say = $(if $(V),:,printf '  %-6s %s\n')
, := ,
space := $(subst ,, )
MAKE_FILES := Makefile scripts/make/tools.mk scripts/make/musl.mk

.PHONY: all help gen test test-plain test-warm lint install uninstall clean docs FORCE
all: dist/nsbox $(STATIC_PROGRAMS:%=dist/%) ## build dist/nsbox and the static programs beside it; NATIVE=0: without native code in the front end

help: ## this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)$$/\1\t\2/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r target what; do printf '  make %-13s %s\n' "$$target" "$$what"; done

include scripts/make/tools.mk scripts/make/musl.mk

# --- The sidecar: static C -------------------------------------------------------------------------------------------

C_SOURCES := $(filter-out %_fuzz.c $(HELPERS:%=sidecar/%/%),$(wildcard sidecar/*.c sidecar/*/*.c))
C_HEADERS := $(wildcard sidecar/*/*.h)
C_OBJECTS := $(C_SOURCES:sidecar/%.c=dist/obj/%.o)
C_DEFINES := -D_GNU_SOURCE -iquote sidecar -DNSBOX_VERSION='"$(VERSION)"'
C_WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes

dist/obj/%.o: sidecar/%.c $(MAKE_FILES) package.json | musl
	@mkdir -p $(@D)
	@$(say) CC $*.o
	$(Q)$(MUSL_CC) $(C_FLAGS) -MMD -MP -c -o $@ $<

# The list of objects, since a removed source must cause a new link, too; and the front end's build options.
stamp = mkdir -p $(@D); echo '$(1)' | cmp -s - $@ || echo '$(1)' >$@
dist/obj/objects: FORCE
	@$(call stamp,$(C_OBJECTS))
dist/obj/native: FORCE
	@$(call stamp,NATIVE=$(NATIVE))

dist/nsbox-sidecar: $(C_OBJECTS) dist/obj/objects | musl
	@[ -n '$(C_OBJECTS)' ] || { echo 'make: no C source in sidecar/' >&2; exit 1; }
	@$(say) LINK $@
	$(Q)$(MUSL_CC) -o $@.new $(call c_link,$(C_OBJECTS))
	@! LC_ALL=C readelf -lW $@.new | grep -q INTERP || { echo 'make: the sidecar came out dynamically linked' >&2; rm -f $@.new; exit 1; }
	$(Q)mv -f $@.new $@

-include $(C_OBJECTS:.o=.d)

# --- The front end: TypeScript, compiled with Bun, with the sidecar inside
# ---------------------------------------------

# NATIVE=0 leaves out the native code of src/launch/native: the product does the same, more slowly.
NATIVE ?= 1
# The compiled program must not read code or settings from its current directory, and must start if that is gone. With
# any built-in runtime argument, the runtime doesn't look at the directory.
BUN_BUILD := build --compile --minify --bytecode --no-compile-autoload-bunfig --no-compile-autoload-dotenv --compile-exec-argv=--no-deprecation
TS_SOURCES := $(shell find src -name '*.ts' | sort)
# The runtime reads a whole file before it runs its first line, so modules that a plain start doesn't need are
# separate files in the program: those that src/lazy.ts lists.
LATER = $(shell sed -n "s|.*require('\./\([a-z/-]*\.ts\)').*|\1|p" src/lazy.ts)
PARTS = $(LATER:%=src/%) --entry-naming '[name].[ext]' $(LATER:%=--external '*/%')

# $(call build,PROGRAM,MORE FLAGS)
build = $(say) BUN $(1); rm -f $(1); $(BUN) $(BUN_BUILD) $(2) src/main.ts $(PARTS) --outfile $(1) >dist/bun-build.log 2>&1 || { cat dist/bun-build.log >&2; exit 1; }
PROGRAM_FROM := $(TS_SOURCES) $(STATIC_PROGRAMS:%=dist/%) package.json tsconfig.json $(MAKE_FILES) $(NPM)

# What the native code starts boxes with.
CARRIED := nsbox-sidecar nsbox-hide nsbox-net
ifeq ($(NATIVE),0)
dist/nsbox: $(PROGRAM_FROM) dist/obj/native
	@$(call build,$@,--conditions=plain)
else
dist/nsbox: $(PROGRAM_FROM) dist/obj/native dist/obj/entry.bin
	@$(call build,$@)
	$(Q)$(BUN) src/launch/native/entry.ts $@ dist/obj/entry.bin $(CARRIED:%=dist/%)
endif

# The native code, without data, since it is put into a program that is linked already.
ENTRY_FLAGS := -std=c11 -Os -ffreestanding -fPIE -mgeneral-regs-only -fno-toplevel-reorder -fno-tree-loop-distribute-patterns -fno-jump-tables -fno-stack-protector -fno-unwind-tables -fno-asynchronous-unwind-tables
# $(call entry,COMPILER,MORE FLAGS)
entry = mkdir -p $(@D); $(say) CC $(@F); $(1) $(ENTRY_FLAGS) $(2) $(C_WARNINGS) -c -o $(@:.bin=.o) $<; \
	! LC_ALL=C readelf -rSW $(@:.bin=.o) | grep -E '\.rodata|R_[A-Z]' || { echo 'make: $< needs data or relocations' >&2; exit 1; }; \
	$(1:%gcc=%objcopy) -O binary -j .text $(@:.bin=.o) $@
NATIVE_HEADERS := $(wildcard src/launch/native/*.h)
dist/obj/entry.bin: src/launch/native/entry.c $(NATIVE_HEADERS) $(MAKE_FILES)
	@$(call entry,gcc,-fcf-protection=none)

dist/plain/nsbox: $(PROGRAM_FROM)
	@mkdir -p $(@D)
	@$(call build,$@,--conditions=plain)
	$(Q)cp $(STATIC_PROGRAMS:%=dist/%) $(@D)/

gen: $(NPM) ## after a change of a table in src/: write what comes from it
	$(Q)$(BUN) --conditions=package scripts/gen.ts

# --- Tests
# -------------------------------------------------------------------------------------------------------------

# Programs for the tests, static, so that they run in any root.
TEST_PROGRAMS := $(patsubst test/c/%.c,dist/test/%,$(wildcard test/c/*.c))
BENCH_PROGRAMS := $(patsubst scripts/bench/%.c,dist/bench/%,$(wildcard scripts/bench/*.c))
dist/test/%: test/c/%.c $(MAKE_FILES) | musl
	@mkdir -p $(@D)
	@$(say) CC $@
	$(Q)$(MUSL_CC) -std=c11 -D_GNU_SOURCE -O1 $(C_WARNINGS) -iquote sidecar $(kernel_headers) -static -o $@ $(filter %.c,$^)
dist/test/patterns: $(addprefix sidecar/,base/utf8.c hide/pattern.c hide/states.c) $(C_HEADERS)
dist/test/remember: $(NATIVE_HEADERS)
dist/test/net_words: $(addprefix sidecar/net/,address.c name.c rule.c) $(C_HEADERS)
dist/test/verdicts: $(addprefix sidecar/,base/arena.c base/utf8.c libc/format.c plan/json.c plan/plan.c plan/decode.c plan/decode_value.c plan/rules.c plan/json_pointer.c) $(C_HEADERS)

# A program of i386, without a C library. Where the compiler makes none, the tests of it are skipped.
dist/test/i386/word: test/c/i386/word.c $(MAKE_FILES)
	@mkdir -p $(@D)
	@$(say) CC $@
	$(Q)gcc -m32 -std=c11 -O1 -static -nostdlib -ffreestanding -fno-pie -no-pie -fno-stack-protector $(C_WARNINGS) -o $@ $< || rm -f $@
ifeq ($(shell uname -m),x86_64)
TEST_PROGRAMS += dist/test/i386/word
endif

test: all test-tools guests debian-root foreign-images programs-root slurm-root vm-kernels package-here $(TEST_PROGRAMS) $(BENCH_PROGRAMS) ## run the tests; T="mount exec": the files whose path has one of the words
	$(Q)$(BUN) scripts/test.ts $(T)

PLAIN_TESTS := e2e/exec e2e/signals e2e/errors e2e/limits
test-plain: dist/plain/nsbox test-tools $(TEST_PROGRAMS) ## run a part of the tests on a build with NATIVE=0
	$(Q)NSBOX_TEST_BUILD=dist/plain $(BUN) scripts/test.ts $(or $(T),$(PLAIN_TESTS))

# Each box is started by a remembered plan: test/c/warm.c stands in nsbox's place.
# Left out: tests that copy the program elsewhere, count what it does, look at directories in which it stores nothing, or
# tell first starts from later ones.
WARM_TESTS := $(patsubst test/%,%,$(filter-out $(patsubst %,test/e2e/%.test.ts,bake containers handover loader many-machines own-directories own-directories-unmade remember remember-hostile remember-pairs review start strip trace-denied trace-layers),$(wildcard test/e2e/*.test.ts)))
dist/warm/nsbox: dist/test/warm dist/nsbox
	@mkdir -p $(@D)
	$(Q)cp dist/test/warm $@; cp $(STATIC_PROGRAMS:%=dist/%) $(@D)/
test-warm: all test-tools guests debian-root dist/warm/nsbox $(TEST_PROGRAMS) ## run the tests of boxes with remembered plans
	$(Q)NSBOX_TEST_BUILD=dist/warm $(BUN) scripts/test.ts $(or $(T),$(WARM_TESTS))

# --- Installing
# ----------------------------------------------------------------------------------------------------------

PREFIX ?= /usr/local
INSTALLED = $(addprefix '$(DESTDIR)$(PREFIX)'/,bin/nsbox share/man/man1/nsbox.1 share/bash-completion/completions/nsbox \
	share/zsh/site-functions/_nsbox share/fish/vendor_completions.d/nsbox.fish share/doc/nsbox/THIRD-PARTY.txt)
install: all dist/THIRD-PARTY.txt ## install the program, its manual and completions; PREFIX=/usr/local, DESTDIR= for packagers
	$(Q)set -- $(INSTALLED); install -D -m 755 dist/nsbox "$$1"; shift; \
	for file in docs/nsbox.1 docs/completions/nsbox.bash docs/completions/_nsbox docs/completions/nsbox.fish dist/THIRD-PARTY.txt; do install -D -m 644 "$$file" "$$1"; shift; done

uninstall: ## remove what `make install` with the same PREFIX and DESTDIR has installed
	$(Q)rm -f $(INSTALLED)

docs: $(NPM) ## make pages of the documents, with a search, in dist/docs
	$(Q)$(BUN) scripts/docs/build.ts

include $(addprefix scripts/make/,unpack.mk demo.mk package.mk helpers.mk arm64.mk release.mk guests.mk programs.mk bench.mk sanitize.mk lint.mk format.mk fuzz.mk fresh.mk)

clean: ## remove dist/
	$(Q)rm -rf --one-file-system dist
