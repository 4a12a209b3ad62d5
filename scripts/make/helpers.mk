# The static programs of scripts/helpers.txt: those with rules of their own (unpack.mk), and those that are
# static C without any library but musl. NAME_SHARED: objects of other folders that one of the latter needs.

OWN_RULES := unpack
hide_SHARED := base/mount_path.o base/utf8.o
trace_SHARED := base/clock.o base/descriptor.o base/errno_name.o base/line.o base/report.o base/utf8.o
net_SHARED := base/clock.o base/descriptor.o base/errno_name.o base/line.o base/report.o base/utf8.o
# $(call helper,NAME)
define helper
$(1)_SOURCES := $$(filter-out %_fuzz.c,$$(wildcard sidecar/$(1)/*.c)) $$($(1)_SHARED:%.o=sidecar/%.c)
$(1)_OBJECTS := $$($(1)_SOURCES:sidecar/%.c=dist/obj/%.o)

dist/obj/$(1)-objects: FORCE
	@$$(call stamp,$$($(1)_OBJECTS))

dist/nsbox-$(1): $$($(1)_OBJECTS) dist/obj/$(1)-objects | musl
	@$$(say) LINK $$@
	$$(Q)$$(MUSL_CC) -o $$@.new $$(call c_link,$$($(1)_OBJECTS))
	@! LC_ALL=C readelf -lW $$@.new | grep -q INTERP || { echo 'make: $$@ came out dynamically linked' >&2; rm -f $$@.new; exit 1; }
	$$(Q)mv -f $$@.new $$@

$$(ARM64)/nsbox-$(1): $$($(1)_SOURCES) $$(C_HEADERS) $$(MAKE_FILES) scripts/make/package.mk package.json $$(ARM64)/libc | arm64-tools
	@$$(say) CROSS $$@
	$$(Q)$$(ARM64_CC) $$(ARM64_FLAGS) -o $$@.new $$(ARM64_LINK) $$($(1)_SOURCES) $$(ARM64_LIBS)
	$$(Q)mv -f $$@.new $$@

-include $$($(1)_OBJECTS:.o=.d)
endef
$(foreach name,$(filter-out $(OWN_RULES),$(HELPERS)),$(eval $(call helper,$(name))))
HELPER_SOURCES := $(foreach name,$(filter-out $(OWN_RULES),$(HELPERS)),$($(name)_SOURCES))
