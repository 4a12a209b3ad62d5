# The executable for arm64: built here, and run in a virtual machine.

# The runtime, a package of npm for another machine than this one, by the lock file.
ARM64_RUNTIME := $(ARM64)/runtime
ARM64_BUN := $(ARM64_RUNTIME)/node_modules/@oven/bun-linux-aarch64/bin/bun
$(ARM64_BUN): package-lock.json
	@mkdir -p $(ARM64_RUNTIME)
	@$(say) NPM $(ARM64_RUNTIME)
	$(Q)cp package.json package-lock.json $(ARM64_RUNTIME)
	$(Q)npm ci --prefix $(ARM64_RUNTIME) --cpu=arm64 --os=linux --libc=glibc --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
	$(Q)touch $@

$(ARM64)/entry.bin: src/launch/native/entry.c $(NATIVE_HEADERS) $(MAKE_FILES) | arm64-tools
	@$(call entry,$(ARM64_CC))

$(ARM64)/nsbox: $(PROGRAM_FROM) $(ARM64_PROGRAMS) $(ARM64)/entry.bin $(ARM64_BUN)
	@$(call build,$@,--conditions=arm64 --target=bun-linux-arm64 --compile-executable-path=$(ARM64_BUN))
	$(Q)$(BUN) src/launch/native/entry.ts $@ $(ARM64)/entry.bin $(CARRIED:%=$(ARM64)/%)

# What the guest has beside nsbox.
$(ARM64)/guest: scripts/arm64-libc.sh
	@$(say) FETCH $@
	$(Q)rm -rf $@; sh scripts/arm64-libc.sh $(CURDIR)/$@ busybox-static libc6
	$(Q)touch $@

ARM64_ATTACK := $(ARM64)/test/attack
$(ARM64_ATTACK): test/c/attack.c $(ARM64)/libc | arm64-tools
	@mkdir -p $(@D)
	@$(say) CROSS $@
	$(Q)$(ARM64_CC) $(ARM64_FLAGS) -o $@ $(ARM64_LINK) $< $(ARM64_LIBS)

ARM64_KERNELS ?= arm64-6.1 arm64-16k
.PHONY: arm64-qemu arm64-guest test-arm64
arm64-qemu:
	@$(call need,qemu-system-aarch64,qemu-system-arm,the tests on arm64 are skipped (on Debian and Ubuntu: apt-get install qemu-system-arm)) $(if_possible)

# If the program or its guest can't be had, $(ARM64).skipped has the reason, and the tests print it.
arm64-guest: all arm64-qemu $(ARM64_KERNELS:%=vm-kernel/%)
	@mkdir -p dist
	$(Q)rm -f $(ARM64)-guest.skipped; if ! $(MAKE) $(ARM64)/nsbox $(ARM64)/guest $(ARM64_ATTACK) 2>$(ARM64)-guest.log; then \
		rm -f $(ARM64)/nsbox; { grep -v '^make\[' $(ARM64)-guest.log || true; } | tail -n 1 >$(ARM64)-guest.skipped; fi

test-arm64: test-tools arm64-guest ## build the executable for arm64, and run it in a virtual machine
	$(Q)$(BUN) scripts/test.ts vm/arm64 e2e/strip
