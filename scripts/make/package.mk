# The npm package, and the programs for arm64 in it.

# The sidecar for arm64, cross-built: Debian has the compiler, and musl as a package for arm64 that is unpacked beside
# it.
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
	$(Q)rm -rf $@; sh scripts/arm64-libc.sh $(CURDIR)/$@ musl-dev linux-libc-dev
	$(Q)touch $@

$(ARM64)/nsbox-sidecar: $(C_SOURCES) $(C_HEADERS) $(MAKE_FILES) scripts/make/package.mk package.json $(ARM64)/libc | arm64-tools
	@$(say) CROSS $@
	$(Q)$(ARM64_CC) $(ARM64_FLAGS) -o $@.new $(ARM64_LINK) $(C_SOURCES) $(ARM64_LIBS)
	$(Q)mv -f $@.new $@

# The same for the helper that unpacks images, and the libraries in it.
ARM64_LIBDIR := $(ARM64)/libraries/usr/lib/aarch64-linux-gnu
$(ARM64)/libraries: scripts/arm64-libc.sh scripts/make/unpack.mk
	@mkdir -p $(@D)
	@$(say) FETCH $@
	$(Q)rm -rf $@; sh scripts/arm64-libc.sh $(CURDIR)/$@ $(UNPACK_PACKAGES)
	$(Q)touch $@

ARM64_UNPACK = $(UNPACK_SOURCES) $(UNPACK_SHARED:%.o=sidecar/%.c) $(ARM64)/libsquashfuse.a $(filter-out %/libsquashfuse.a,$(UNPACK_LIBRARIES:%=$(ARM64_LIBDIR)/lib%.a))
$(ARM64)/nsbox-unpack: $(UNPACK_SOURCES) $(wildcard sidecar/unpack/*.h) $(UNPACK_CHECK) $(MAKE_FILES) scripts/make/package.mk $(ARM64)/libc $(ARM64)/libraries | arm64-tools
	@$(say) CROSS $@
	$(Q)$(ARM64_CC:%gcc=%objcopy) $(UNPACK_WEAKEN) $(ARM64_LIBDIR)/libsquashfuse.a $(ARM64)/libsquashfuse.a
	$(Q)$(ARM64_CC) $(ARM64_FLAGS) -O2 -idirafter $(ARM64)/libraries/usr/include -idirafter $(ARM64)/libraries/usr/include/aarch64-linux-gnu \
		-o $@.new $(ARM64_LINK) $(ARM64_UNPACK) $(ARM64_LIBS) -Wl,-Map=$(ARM64)/unpack.map
	$(Q)sh scripts/library-names.sh $(ARM64)/unpack.map $(UNPACK_NAMES)
	$(Q)mv -f $@.new $@

ARM64_PROGRAMS := $(STATIC_PROGRAMS:%=$(ARM64)/%)
# If they can't be built, $(ARM64).skipped has the reason, and the package for this machine's tests lacks them.
arm64:
	@mkdir -p dist
	$(Q)rm -f $(ARM64).skipped; if ! $(MAKE) $(ARM64_PROGRAMS) 2>$(ARM64).log; then \
		rm -f $(ARM64_PROGRAMS) dist/package/index.js; { grep -v '^make\[' $(ARM64).log || true; } | tail -n 1 >$(ARM64).skipped; fi

# The copyright notices of what is linked into the programs.
NOTICES := dist/THIRD-PARTY.txt
$(NOTICES): scripts/notices.sh scripts/bundled.ts scripts/make/unpack.mk package-lock.json $(NPM) | musl unpack-libraries
	@mkdir -p $(@D)
	@$(say) NOTICE $@
	$(Q)sh scripts/notices.sh $(ARM64)/libraries musl-dev $(UNPACK_PACKAGES) -- $$($(BUN) scripts/bundled.ts) >$@

PACKAGE := dist/nsbox-$(VERSION).tgz
PACKAGE_FILES := scripts/package.ts scripts/bundled.ts package.json LICENSE $(wildcard *.md) $(shell find docs examples -type f | sort)
dist/package/index.js: $(TS_SOURCES) $(PACKAGE_FILES) tsconfig.json scripts/helpers.txt $(STATIC_PROGRAMS:%=dist/%) $(NOTICES) $(wildcard $(ARM64_PROGRAMS)) $(NPM)
	@$(say) PACK dist/package
	$(Q)$(BUN) scripts/package.ts
	$(Q)cp $(NOTICES) dist/package/

# From a copy with fixed permissions, since those of the checkout depend on the umask.
$(PACKAGE): dist/package/index.js
	@$(say) NPM $@
	$(Q)rm -rf dist/obj/npm; mkdir -p dist/obj/npm
	$(Q)cp -a --parents $$(ls -d package.json README.md LICENSE $$(node -p 'require("./package.json").files.join(" ")') 2>/dev/null) dist/obj/npm
	$(Q)chmod -R u=rwX,go=rX dist/obj/npm; npm pack ./dist/obj/npm --ignore-scripts --silent --pack-destination dist >/dev/null

# A second make, since only it sees whether a sidecar for arm64 was built.
package-here: $(STATIC_PROGRAMS:%=dist/%) arm64
	$(Q)$(MAKE) $(PACKAGE)

# The package for publishing, with the sidecars for all machines.
package: package-here ## build the npm package in dist/
	@if [ -e $(ARM64).skipped ]; then echo "make: the package lacks its sidecar for arm64: $$(cat $(ARM64).skipped)" >&2; exit 1; fi
