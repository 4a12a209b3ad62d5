# dist/nsbox-unpack, the helper that unpacks images: static C with musl, and with Debian's own static libraries, which
# are compiled for glibc. scripts/library-names.sh checks that they need nothing that musl has otherwise.

UNPACK_LIBRARIES := archive squashfuse z zstd lzma bz2 lz4 crypto
UNPACK_PACKAGES := libarchive-dev libsquashfuse-dev zlib1g-dev libzstd-dev liblzma-dev libbz2-dev liblz4-dev libssl-dev
# Debian keeps static libraries in a directory for each architecture.
UNPACK_LIBDIR ?= /usr/lib/$(shell gcc -print-multiarch)
UNPACK_ARCHIVES = $(UNPACK_LIBRARIES:%=$(UNPACK_LIBDIR)/lib%.a)
# sidecar/unpack/squashfs_metadata.c has these functions.
UNPACK_WEAKEN := --weaken-symbol=sqfs_md_read --weaken-symbol=sqfs_table_get
UNPACK_LINKED = $(subst $(UNPACK_LIBDIR)/libsquashfuse.a,dist/obj/libsquashfuse.a,$(UNPACK_ARCHIVES))
UNPACK_NAMES := scripts/make/unpack-names.txt
UNPACK_CHECK := scripts/library-names.sh $(UNPACK_NAMES) scripts/make/unpack.mk

UNPACK_SOURCES := $(filter-out %_fuzz.c,$(wildcard sidecar/unpack/*.c))
UNPACK_SHARED := base/component.o base/utf8.o base/errno_name.o
UNPACK_OBJECTS := $(UNPACK_SOURCES:sidecar/%.c=dist/obj/%.o) $(UNPACK_SHARED:%=dist/obj/%)
# Here speed counts, not size.
$(UNPACK_SOURCES:sidecar/%.c=dist/obj/%.o): private C_FLAGS += -O2
$(UNPACK_SOURCES:sidecar/%.c=dist/obj/%.o): | unpack-libraries
# Its loop must not become a call of the function that it stands for.
dist/obj/unpack/memcpy.o: private C_FLAGS += -fno-lto -fno-builtin -fno-tree-loop-distribute-patterns -fno-stack-protector

.PHONY: unpack-libraries
unpack-libraries:
	@$(call need,$(UNPACK_ARCHIVES),$(UNPACK_PACKAGES),install the static libraries that unpack images (on Debian: apt-get install $(UNPACK_PACKAGES)) or name their directory with UNPACK_LIBDIR=)

dist/obj/unpack-objects: FORCE
	@$(call stamp,$(UNPACK_OBJECTS))

dist/obj/libsquashfuse.a: scripts/make/unpack.mk | unpack-libraries
	@mkdir -p $(@D)
	$(Q)objcopy $(UNPACK_WEAKEN) $(UNPACK_LIBDIR)/libsquashfuse.a $@

dist/nsbox-unpack: $(UNPACK_OBJECTS) dist/obj/libsquashfuse.a dist/obj/unpack-objects $(UNPACK_CHECK) | musl unpack-libraries
	@$(say) LINK $@
	$(Q)$(MUSL_CC) -o $@.new $(call c_link,$(UNPACK_OBJECTS) $(UNPACK_LINKED)) -Wl,-Map=dist/obj/unpack.map
	@! LC_ALL=C readelf -lW $@.new | grep -q INTERP || { echo 'make: the helper came out dynamically linked' >&2; rm -f $@.new; exit 1; }
	$(Q)sh scripts/library-names.sh dist/obj/unpack.map $(UNPACK_NAMES)
	$(Q)mv -f $@.new $@

-include $(UNPACK_OBJECTS:.o=.d)
