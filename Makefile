# nsbox: `make` builds dist/nsbox and dist/nsbox-sidecar. A machine with node, npm, gcc and make is enough: every target
# installs what else it needs, or says in a sentence how to.

MAKEFLAGS += --no-builtin-rules --no-print-directory
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

VERSION := $(shell sed -n 's/^ *"version": *"\([^"]*\)".*/\1/p' package.json)
BUN := node_modules/.bin/bun
NPM := node_modules/.nsbox-installed
export PATH := $(PATH):/usr/sbin:/sbin

# V=1 shows the commands.
Q := $(if $(V),,@)
say = $(if $(V),:,printf '  %-6s %s\n')

all: dist/nsbox dist/nsbox-sidecar

, := ,
space := $(subst ,, )

# --- What must be there ----------------------------------------------------------------------------------------------

# $(call need,WHAT,PACKAGES,SENTENCE) installs the packages where something of WHAT is missing and that is possible, and fails where it
# still is missing. What is asked for is the file itself, by a trial: a compiler is there without its sanitizers, say. STRICT=1: what
# others could go on without fails too.
need = sh scripts/need.sh '$(1)' '$(2)' '$(3)'
if_possible = || [ -z '$(STRICT)' ]

# The packages of package-lock.json. An install from before there was a stamp is taken when it satisfies package.json.
# Where npm runs no install scripts, bun has yet to fetch its program.
$(NPM): package-lock.json
	$(Q)if [ -e $@ ] || ! npm ls >/dev/null 2>&1; then $(say) NPM ci; npm ci --no-audit --no-fund --loglevel=error >/dev/null; fi
	$(Q)$(BUN) --version >/dev/null 2>&1 || { $(say) BUN install; node node_modules/bun/install.js; }
	$(Q)$(BUN) --version >/dev/null
	$(Q)touch $@

.PHONY: musl test-tools guests clang sanitizers
musl:
	@$(call need,$(subst $(space),:,$(MUSL_CC) -static -include linux/mount.h -idirafter /usr/include -idirafter /usr/include/$(shell gcc -print-multiarch)),musl-tools linux-libc-dev,install musl-gcc (on Debian and Ubuntu: apt-get install musl-tools linux-libc-dev) or name one with MUSL_CC=)

TEST_PACKAGES := strace procps util-linux busybox-static uidmap tmux debootstrap python3 git libcap2-bin
test-tools:
	@$(call need,strace pgrep unshare setpriv static:/bin/busybox newuidmap tmux debootstrap import:multiprocessing git setcap,$(TEST_PACKAGES),some tests may fail or be skipped until they are installed (on Debian and Ubuntu: apt-get install $(TEST_PACKAGES))) $(if_possible)

# Programs that boxes are tried with, and engines that they are tried in. `make test GUESTS=` installs none; a browser is tried where
# there is one: make test GUESTS="$(GUESTS) chromium".
GUESTS := podman crun bwrap systemd-nspawn Xvfb xterm xdpyinfo gdb perf ping losetup mkfs.ext4
GUEST_PACKAGES := podman crun golang-github-containers-common bubblewrap systemd-container xvfb xterm x11-utils gdb linux-perf iputils-ping mount e2fsprogs
guests:
	@[ -z '$(GUESTS)' ] || $(call need,$(GUESTS),$(GUEST_PACKAGES) $(filter chromium,$(GUESTS)),the tests that take them are skipped (on Debian: apt-get install $(GUEST_PACKAGES))) $(if_possible)

# The runtime libraries are named by the version of a clang that is there already.
CLANG_PACKAGES = clang llvm libclang-rt-dev $(shell $(CLANG) -dumpversion 2>/dev/null | sed 's/\..*//; s/.*/libclang-rt-&-dev/')
clang:
	@$(call need,$(subst $(space),:,$(CLANG)):-fsanitize=fuzzer$(,)address$(,)undefined,$(CLANG_PACKAGES),install clang with its libFuzzer and sanitizers (on Debian and Ubuntu: apt-get install clang llvm libclang-rt-dev) or name one with CLANG=)

sanitizers:
	@$(call need,gcc:-fsanitize=address$(,)undefined,gcc libasan8 libubsan1,install the address and undefined behaviour sanitizers of gcc (libasan and libubsan))

# --- The sidecar: static C -------------------------------------------------------------------------------------------

MUSL_CC ?= musl-gcc
C_SOURCES := $(filter-out %_fuzz.c,$(wildcard sidecar/*.c sidecar/*/*.c))
C_OBJECTS := $(C_SOURCES:sidecar/%.c=dist/obj/%.o)
C_DEFINES := -D_GNU_SOURCE -iquote sidecar -DNSBOX_VERSION='"$(VERSION)"'
C_WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes

# musl-gcc has no -static-pie of its own: its specs would link a program that asks for musl's dynamic loader. Where musl's
# start file for static position-independent programs is there (beside the one that a link would use), the link is spelled
# out; elsewhere the program is static at a fixed address. (Expanded in recipes, since musl-gcc may be installed by then
# and not before.)
crt = $(shell dir=$$($(MUSL_CC) '-###' -x c /dev/null -o /dev/null 2>&1 | grep -o '[^ "]*/S\?crt1\.o' | head -n 1 | xargs -r dirname); \
	if [ -n "$$dir" ] && [ -e "$$dir/rcrt1.o" ]; then echo "$$dir"; fi)
crt_gcc = $(shell $(MUSL_CC) -print-file-name=$(1))
kernel_headers = -idirafter /usr/include -idirafter /usr/include/$(shell $(MUSL_CC) -print-multiarch)
# What is not here: _FORTIFY_SOURCE, which is the C library's part, and musl has none (`make lint` compiles with that of
# glibc, for its warnings); -fcf-protection, which the linker drops unless all objects have it, and musl's have not.
# Nothing unwinds a stack here: no tables for that.
HARDENING = -fstack-protector-strong $(call if_known,-fstack-clash-protection) $(call if_known,-ftrivial-auto-var-init=zero)
if_known = $(shell $(MUSL_CC) -Werror $(1) -c -x c -o /dev/null /dev/null 2>/dev/null && echo '$(1)')
C_FLAGS = -std=c11 -Os $(C_WARNINGS) $(C_DEFINES) $(HARDENING) -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections \
	$(if $(crt),-fPIE,-fno-pie) $(kernel_headers)
C_LINK = -static $(if $(crt),-nostartfiles -Wl$(,)-pie$(,)--no-dynamic-linker$(,)-z$(,)text \
	$(crt)/rcrt1.o $(crt)/crti.o $(call crt_gcc,crtbeginS.o),-no-pie) \
	$(C_OBJECTS) $(if $(crt),$(call crt_gcc,crtendS.o) $(crt)/crtn.o) \
	-Wl,--gc-sections -Wl,--hash-style=gnu -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,-z,noseparate-code -s

dist/obj/%.o: sidecar/%.c Makefile package.json | musl
	@mkdir -p $(@D)
	@$(say) CC $*.o
	$(Q)$(MUSL_CC) $(C_FLAGS) -MMD -MP -c -o $@ $<

# Where the plan is read, most of the time goes that a start spends outside of the kernel.
$(addprefix dist/obj/,plan/json.o base/arena.o): private C_FLAGS += -O2

# The list of objects: a source that went away must link anew too.
dist/obj/objects: FORCE
	@mkdir -p $(@D)
	@echo '$(C_OBJECTS)' | cmp -s - $@ || echo '$(C_OBJECTS)' >$@
.PHONY: FORCE

dist/nsbox-sidecar: $(C_OBJECTS) dist/obj/objects | musl
	@[ -n '$(C_OBJECTS)' ] || { echo 'make: no C source in sidecar/' >&2; exit 1; }
	@$(say) LINK $@
	$(Q)$(MUSL_CC) -o $@.new $(C_LINK)
	@! LC_ALL=C readelf -lW $@.new | grep -q INTERP || { echo 'make: the sidecar came out dynamically linked' >&2; rm -f $@.new; exit 1; }
	$(Q)mv -f $@.new $@

-include $(C_OBJECTS:.o=.d)

# --- The front end: TypeScript, compiled with Bun, with the sidecar inside ---------------------------------------------

# The compiled program must take no code or settings from the directory in which it is started, and start where that is gone: with
# arguments of its own, any at all, the runtime does not ask for it.
BUN_BUILD := build --compile --minify --bytecode --no-compile-autoload-bunfig --no-compile-autoload-dotenv --compile-exec-argv=--no-deprecation
TS_SOURCES := $(shell find src -name '*.ts' | sort)
# What the runtime reads before it runs the first line grows with the size of a file. What a plain start has no need of is in
# others, which the program carries too, each under its own name: those that src/lazy.ts lists.
LATER = $(shell sed -n "s|.*require('\./\([a-z/-]*\.ts\)').*|\1|p" src/lazy.ts)
PARTS = $(LATER:%=src/%) --entry-naming '[name].[ext]' $(LATER:%=--external '*/%')

# What runs in it before the runtime: code alone, since it is put into a program that is linked already.
ENTRY_FLAGS := -std=c11 -Os -ffreestanding -fPIE -mgeneral-regs-only -fno-toplevel-reorder -fno-stack-protector -fcf-protection=none -fno-unwind-tables -fno-asynchronous-unwind-tables
dist/obj/entry.bin: src/launch/native/entry.c Makefile
	@mkdir -p $(@D)
	@$(say) CC $(@F)
	$(Q)gcc $(ENTRY_FLAGS) $(C_WARNINGS) -c -o $(@:.bin=.o) $<
	@! LC_ALL=C readelf -rSW $(@:.bin=.o) | grep -E '\.rodata|R_[A-Z]' || { echo 'make: $< needs data or relocations' >&2; exit 1; }
	$(Q)objcopy -O binary -j .text $(@:.bin=.o) $@

dist/nsbox: $(TS_SOURCES) dist/nsbox-sidecar dist/obj/entry.bin src/launch/native/entry.ts package.json tsconfig.json Makefile $(NPM)
	@$(say) BUN $@
	$(Q)rm -f $@
	$(Q)$(BUN) $(BUN_BUILD) src/main.ts $(PARTS) --outfile $@ >dist/bun-build.log 2>&1 || { cat dist/bun-build.log >&2; exit 1; }
	$(Q)$(BUN) src/launch/native/entry.ts $@ dist/obj/entry.bin dist/nsbox-sidecar

.PHONY: all gen demo test soak attack-peers test-vm vm-tools vm-kernels bench bench-peers debian-root lint fuzz clean

# The files that come from the tables in src/.
gen: $(NPM)
	$(Q)$(BUN) scripts/gen.ts

# --- The npm package -----------------------------------------------------------------------------------------------------

# The sidecar for arm64, cross-built: Debian has the compiler, and musl as a package for arm64 that is unpacked beside it.
ARM64_CC ?= aarch64-linux-gnu-gcc
ARM64 := dist/arm64
arm64_gcc = $(shell $(ARM64_CC) -print-file-name=$(1))
ARM64_FLAGS = -std=c11 -Os $(C_WARNINGS) $(C_DEFINES) -fstack-protector-strong -ffunction-sections -fdata-sections -fPIE -mno-outline-atomics \
	-nostdinc -isystem $(ARM64)/libc/usr/include/aarch64-linux-musl -isystem $(call arm64_gcc,include) \
	-idirafter $(ARM64)/libc/usr/include -idirafter $(ARM64)/libc/usr/include/aarch64-linux-gnu
ARM64_CRT := $(ARM64)/libc/usr/lib/aarch64-linux-musl
ARM64_LINK = -static -nostdlib -Wl,-pie,--no-dynamic-linker,-z,text $(ARM64_CRT)/rcrt1.o $(ARM64_CRT)/crti.o $(call arm64_gcc,crtbeginS.o)
ARM64_LIBS = -Wl,--start-group $(ARM64_CRT)/libc.a $(call arm64_gcc,libgcc.a) -Wl,--end-group $(call arm64_gcc,crtendS.o) $(ARM64_CRT)/crtn.o \
	-Wl,--gc-sections,-z,relro,-z,now,-z,noexecstack -s

.PHONY: arm64-tools arm64 package package-here
arm64-tools:
	@$(call need,$(subst $(space),:,$(ARM64_CC)):-nostdlib,gcc-aarch64-linux-gnu,install a cross compiler for arm64 (on Debian: apt-get install gcc-aarch64-linux-gnu) or name one with ARM64_CC=)
	@$(call need,qemu-aarch64-static,qemu-user-static,no sidecar for arm64 can be tried until it is installed (on Debian: apt-get install qemu-user-static)) $(if_possible)

$(ARM64)/libc: scripts/arm64-libc.sh
	@mkdir -p $(@D)
	@$(say) FETCH $@
	$(Q)rm -rf $@; sh scripts/arm64-libc.sh $(CURDIR)/$@
	$(Q)touch $@

$(ARM64)/nsbox-sidecar: $(C_SOURCES) $(wildcard sidecar/*/*.h) Makefile package.json $(ARM64)/libc | arm64-tools
	@$(say) CROSS $@
	$(Q)$(ARM64_CC) $(ARM64_FLAGS) -o $@.new $(ARM64_LINK) $(C_SOURCES) $(ARM64_LIBS)
	$(Q)mv -f $@.new $@

# Where it can't be built, $(ARM64).skipped says why, and the package of this machine's tests is without it.
arm64:
	@mkdir -p dist
	$(Q)rm -f $(ARM64).skipped; if ! $(MAKE) $(ARM64)/nsbox-sidecar 2>$(ARM64).log; then \
		rm -f $(ARM64)/nsbox-sidecar dist/package/index.js; { grep -v '^make\[' $(ARM64).log || true; } | tail -n 1 >$(ARM64).skipped; fi

PACKAGE := dist/nsbox-$(VERSION).tgz
PACKAGE_FILES := scripts/package.ts package.json README.md LICENSE docs/plan.schema.json
dist/package/index.js: $(TS_SOURCES) $(PACKAGE_FILES) tsconfig.json dist/nsbox-sidecar $(wildcard $(ARM64)/nsbox-sidecar) $(NPM)
	@$(say) PACK dist/package
	$(Q)$(BUN) scripts/package.ts

$(PACKAGE): dist/package/index.js
	@$(say) NPM $@
	$(Q)npm pack --ignore-scripts --silent --pack-destination dist >/dev/null

# The second make sees whether there is a sidecar for arm64.
package-here: dist/nsbox-sidecar arm64
	$(Q)$(MAKE) $(PACKAGE)

# What can be published: with the sidecars of all machines.
package: package-here
	@if [ -e $(ARM64).skipped ]; then echo "make: the package lacks its sidecar for arm64: $$(cat $(ARM64).skipped)" >&2; exit 1; fi

# --- Seeing and checking -----------------------------------------------------------------------------------------------

# A name of its own for each run, so that nobody else's file is taken for a leak.
DEMO_FILE := nsbox-demo-$(shell echo $$PPID)
DEMO := dist/nsbox --tmpfs /tmp --root dist/demo-root
define DEMO_SCRIPT
echo "I am process $$$$, and this is all there is:"
ls /
touch /tmp/$(DEMO_FILE)
echo "/tmp is mine alone:"
ls -la /tmp
id
endef
export DEMO_SCRIPT

demo: all
	$(Q)rm -rf --one-file-system dist/demo-root
	dist/nsbox rootfs build dist/demo-root bash ls cat touch id
	@echo; echo "$(DEMO) bash -c '...'"; echo
	@$(DEMO) bash -c "$$DEMO_SCRIPT" | sed 's/^/    /'
	@echo; echo 'And on the host:'
	@if [ -e /tmp/$(DEMO_FILE) ] || [ -e dist/demo-root/tmp/$(DEMO_FILE) ]; then echo '    $(DEMO_FILE) is there: it leaked' >&2; exit 1; fi
	@if grep -F '/dist/demo-root' /proc/self/mountinfo >&2; then echo '    the box left a mount' >&2; exit 1; fi
	@echo '    no $(DEMO_FILE) in /tmp or in dist/demo-root, no mount left'

# Programs of the tests, static so that they run in any root.
TEST_PROGRAMS := $(patsubst test/c/%.c,dist/test/%,$(wildcard test/c/*.c))
BENCH_PROGRAMS := $(patsubst scripts/bench/%.c,dist/bench/%,$(wildcard scripts/bench/*.c))
dist/test/%: test/c/%.c Makefile | musl
	@mkdir -p $(@D)
	@$(say) CC $@
	$(Q)$(MUSL_CC) -std=c11 -D_GNU_SOURCE -O1 $(C_WARNINGS) -iquote sidecar $(kernel_headers) -static -o $@ $(filter %.c,$^)
dist/test/verdicts: $(addprefix sidecar/,base/arena.c base/utf8.c libc/format.c plan/json.c plan/plan.c plan/json_pointer.c) $(wildcard sidecar/*/*.h)

# A whole Debian for the tests that run boxes in one: made once, by root. Where that is not possible dist/debian-root.skipped
# says why, the tests tell it, and it is tried again after `make clean`. Its mounts are its own, so that none is left.
DEBIAN_SUITE ?= bookworm
DEBIAN_SECONDS ?= 180
debian-root: | test-tools
	$(Q)mkdir -p dist
	$(Q)if [ -e dist/debian-root ] || [ -e dist/debian-root.skipped ]; then exit 0; fi; \
	if [ "$$(id -u)" != 0 ]; then echo 'only root can make a Debian root' >dist/debian-root.skipped; exit 0; fi; \
	$(say) DEBIAN dist/debian-root; rm -rf --one-file-system dist/debian-root.new; \
	if unshare -m --propagation private timeout $(DEBIAN_SECONDS) \
		debootstrap --variant=minbase $(DEBIAN_SUITE) dist/debian-root.new $(DEBIAN_MIRROR) >dist/debian-root.log 2>&1; then \
		rm -rf dist/debian-root.new/var/cache/apt/archives/*.deb; mv dist/debian-root.new dist/debian-root; \
	else \
		echo "debootstrap failed: $$(tail -n 1 dist/debian-root.log)" >dist/debian-root.skipped; rm -rf --one-file-system dist/debian-root.new; \
	fi

# Kernels for the tests in a virtual machine, from Debian's packages: scripts/vm-kernel.sh knows them. Where one can't be had,
# dist/vm/NAME.skipped says why, and the tests tell it; it is tried again after a day, and after `make clean`.
VM_KERNELS ?= 5.10.223 5.10 6.1 6.12 7
vm-tools:
	@$(call need,qemu-system-x86_64 static:/bin/busybox,qemu-system-x86 busybox-static,the tests in a virtual machine are skipped (on Debian and Ubuntu: apt-get install qemu-system-x86 busybox-static)) $(if_possible)

vm-kernels: $(VM_KERNELS:%=vm-kernel/%)
vm-kernel/%: | vm-tools
	$(Q)mkdir -p dist/vm
	$(Q)if [ -e dist/vm/$* ] || [ -n "$$(find dist/vm -name $*.skipped -mtime -1)" ]; then exit 0; fi; \
	$(say) KERNEL $*; rm -f dist/vm/$*.skipped; \
	if ! sh scripts/vm-kernel.sh $* $(CURDIR)/dist/vm/$* >dist/vm/$*.log 2>&1; then tail -n 1 dist/vm/$*.log >dist/vm/$*.skipped; fi

# make test T="mount overlay" runs the files whose path has one of these words.
test: all test-tools guests debian-root vm-kernels package-here $(TEST_PROGRAMS) $(BENCH_PROGRAMS)
	$(Q)$(BUN) scripts/test.ts $(T)

# The files that boot a virtual machine alone, each on every kernel; `make test` has them too, the long one on one kernel.
test-vm: all test-tools vm-kernels $(TEST_PROGRAMS)
	$(Q)NSBOX_TEST_VM=all $(BUN) scripts/test.ts vm/

# How long a box takes to start, beside others that do the same: those that are there, or can be installed. BENCH_PEERS= installs none.
# make bench FLAGS=--readme writes the README's figures anew.
dist/bench/%: scripts/bench/%.c Makefile | musl
	@mkdir -p $(@D)
	@$(say) CC $@
	$(Q)$(MUSL_CC) -std=c11 -D_GNU_SOURCE -O2 $(C_WARNINGS) $(kernel_headers) -static -o $@ $<

BENCH_PEERS ?= bwrap unshare firejail runc crun systemd-nspawn proot socat rg
BENCH_PACKAGES := bubblewrap util-linux firejail runc crun systemd-container proot socat ripgrep
BENCH_RUNTIME := @anthropic-ai/sandbox-runtime@0.0.83
bench-peers:
	@$(call need,$(BENCH_PEERS),$(BENCH_PACKAGES),what is not installed is left out of the comparison) $(if_possible)
	$(Q)if [ -z '$(BENCH_PEERS)' ] || [ -e dist/bench/node_modules ]; then exit 0; fi; $(say) NPM $(BENCH_RUNTIME); \
	npm install --prefix dist/bench --no-save --no-audit --no-fund --ignore-scripts --loglevel=error $(BENCH_RUNTIME) >/dev/null 2>&1 || \
		echo 'make: $(BENCH_RUNTIME) can not be installed, and is left out of the comparison' >&2

bench: all $(BENCH_PROGRAMS) bench-peers
	$(Q)$(BUN) scripts/bench/main.ts $(FLAGS)

# Thousands of boxes, many of them killed at a random moment: nothing may be left, every status has to be right.
SOAK_BOXES ?= 10000
soak: all test-tools
	$(Q)$(BUN) scripts/soak.ts $(SOAK_BOXES) $(SOAK_SEED)

# The attack program under other launchers, where they are installed; the table of docs/SECURITY.md.
attack-peers: all test-tools $(TEST_PROGRAMS)
	$(Q)$(BUN) scripts/attack-peers.ts

# nsbox once more, with a sidecar of glibc and the address and undefined behaviour sanitizers, and the suite run on that.
# Left out is what takes minutes: `make sanitize T="hostile many"` runs that. What the sanitizers are told, and why, stands in
# test/sanitize/options.c. Their memory has to lie where they expect it: no address is chosen at random (setarch -R).
SANITIZED := dist/sanitize/dist
SANITIZE_FLAGS := -std=c11 -g -O1 $(C_WARNINGS) $(C_DEFINES) -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
SANITIZE_TESTS := plan/corpus sidecar/faults sidecar/overlay sidecar/report sidecar/paths attack/ $(addprefix e2e/,bake capabilities enter errors exec identity \
	limits mounts roots signals terminal)
$(SANITIZED)/nsbox-sidecar: $(C_SOURCES) test/sanitize/options.c $(wildcard sidecar/*/*.h) Makefile package.json | sanitizers
	@mkdir -p $(@D)
	@$(say) CC $@
	$(Q)gcc $(SANITIZE_FLAGS) -o $@ $(C_SOURCES) test/sanitize/options.c

# The front end embeds the file that lies at this place beside its sources.
$(SANITIZED)/nsbox: $(TS_SOURCES) $(SANITIZED)/nsbox-sidecar dist/obj/entry.bin $(NPM)
	@$(say) BUN $@
	$(Q)rm -rf dist/sanitize/src $@; cp -r src package.json tsconfig.json dist/sanitize/
	$(Q)$(BUN) $(BUN_BUILD) dist/sanitize/src/main.ts --outfile $@ >dist/sanitize/bun-build.log 2>&1 || { cat dist/sanitize/bun-build.log >&2; exit 1; }
	$(Q)$(BUN) src/launch/native/entry.ts $@ dist/obj/entry.bin $(SANITIZED)/nsbox-sidecar

.PHONY: sanitize
sanitize: $(SANITIZED)/nsbox test-tools debian-root $(TEST_PROGRAMS)
	$(Q)NSBOX_TEST_BUILD=$(SANITIZED) setarch -R $(BUN) scripts/test.ts $(or $(T),$(SANITIZE_TESTS))

# The C is compiled again here, with glibc: with the sanitizers' instrumentation and with its fortified functions, for the
# warnings that only show so; and clang-tidy reads it. (The analyzer of gcc 12 has nothing to add but false leaks.)
LINT_C := $(C_SOURCES) $(wildcard sidecar/*/*_fuzz.c) $(wildcard test/sanitize/*.c)
LINT_GCC := gcc -std=c11 $(C_WARNINGS) $(C_DEFINES) -c -o /dev/null
CLANG_TIDY ?= clang-tidy
dist/lint/%.ok: %.c $(wildcard sidecar/*/*.h) .clang-tidy
	@mkdir -p $(@D)
	@$(say) LINT $<
	$(Q)$(LINT_GCC) -O1 -fsanitize=address,undefined $<
	$(Q)$(LINT_GCC) -O2 -D_FORTIFY_SOURCE=2 $<
	$(Q)if command -v $(CLANG_TIDY) >/dev/null; then $(CLANG_TIDY) --quiet $< -- -std=c11 $(C_DEFINES) 2>$(@:.ok=.log) || { cat $(@:.ok=.log) >&2; exit 1; }; fi
	$(Q)touch $@

.PHONY: clang-tidy
clang-tidy:
	@$(call need,$(CLANG_TIDY),clang-tidy,the C is not checked by clang-tidy until it is installed (on Debian and Ubuntu: apt-get install clang-tidy)) $(if_possible)

lint: $(NPM) | clang-tidy
	@$(say) TSC .
	$(Q)node_modules/.bin/tsc
	@$(say) GEN --check
	$(Q)$(BUN) scripts/gen.ts --check
	@$(say) LAYERS .
	$(Q)$(BUN) scripts/layers.ts
	$(Q)$(MAKE) -j$$(nproc) $(LINT_C:%.c=dist/lint/%.ok)

# One program for each sidecar/NAME_fuzz.c, linked with all sources but main.c and those that it includes itself. It starts from
# the corpus of plans and from test/fuzz/NAME.
CLANG ?= clang
FUZZ_SECONDS ?= 30
FUZZERS := $(patsubst sidecar/plan/%_fuzz.c,dist/fuzz/%,$(wildcard sidecar/*/*_fuzz.c))

fuzz: $(FUZZERS)
	@[ -n '$(FUZZERS)' ] || echo 'make: no sidecar/*/*_fuzz.c: nothing to fuzz'
	$(Q)for program in $(FUZZERS); do \
		$(say) FUZZ "$$program for $(FUZZ_SECONDS) s"; \
		mkdir -p $$program.corpus; \
		seeds=test/fixtures/plans; [ ! -d test/fuzz/$${program##*/} ] || seeds="$$seeds test/fuzz/$${program##*/}"; \
		$$program -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=$$program- -print_final_stats=0 -verbosity=0 $$program.corpus $$seeds; \
	done

dist/fuzz/%: sidecar/plan/%_fuzz.c $(C_SOURCES) $(wildcard sidecar/*/*.h) Makefile | clang
	@mkdir -p $(@D)
	@$(say) CLANG $*_fuzz
	$(Q)included=$$(sed -n 's/^ *# *include *"\([^"]*\.c\)".*/sidecar\/\1/p' $<); \
	others=$$(printf '%s\n' $(C_SOURCES) | grep -vxF "$$(printf '%s\n' sidecar/main.c $$included)" || true); \
	$(CLANG) -std=c11 -g -O1 $(C_DEFINES) -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o $@ $< $$others

# The checkout on a machine with node, npm, gcc and make, and nothing else: whether all that targets use is asked for. FRESH="make
# test" tries that there. It is due when what is asked for has changed, and once a week. Downloads are kept in dist/fresh/cache.
FRESH ?=
FRESH_DAYS ?= 7
FRESH_OF = $$({ cat scripts/need.sh scripts/fresh.sh; grep '_PACKAGES\|call need' Makefile; } | sha256sum)
.PHONY: fresh fresh-if-due
fresh: debian-root
	$(Q)if [ -e dist/debian-root.skipped ]; then echo "make: a fresh machine is not tried: $$(cat dist/debian-root.skipped)" >&2; exit 0; fi; \
	status=0; bash scripts/fresh.sh $(CURDIR)/dist/fresh $(CURDIR)/dist/debian-root $(FRESH) || status=$$?; \
	if [ $$status = 75 ]; then echo 'make: a fresh machine is not tried' >&2; exit 0; fi; \
	[ $$status = 0 ] && echo "$(FRESH_OF)" >dist/fresh.ok

fresh-if-due:
	$(Q)[ "$$(cat dist/fresh.ok 2>/dev/null)" = "$(FRESH_OF)" ] && [ -n "$$(find dist/fresh.ok -mtime -$(FRESH_DAYS))" ] || $(MAKE) fresh

clean:
	$(Q)rm -rf --one-file-system dist
