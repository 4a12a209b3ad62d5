# dist/nsbox-net, which gives a box a network by names: static C, without any library but musl.

NET_SOURCES := $(filter-out %_fuzz.c,$(wildcard sidecar/net/*.c))
NET_SHARED := base/clock.o base/descriptor.o base/errno_name.o base/line.o base/report.o base/utf8.o
NET_OBJECTS := $(NET_SOURCES:sidecar/%.c=dist/obj/%.o) $(NET_SHARED:%=dist/obj/%)

dist/obj/net-objects: FORCE
	@$(call stamp,$(NET_OBJECTS))

dist/nsbox-net: $(NET_OBJECTS) dist/obj/net-objects | musl
	@$(say) LINK $@
	$(Q)$(MUSL_CC) -o $@.new $(call c_link,$(NET_OBJECTS))
	@! LC_ALL=C readelf -lW $@.new | grep -q INTERP || { echo 'make: nsbox-net came out dynamically linked' >&2; rm -f $@.new; exit 1; }
	$(Q)mv -f $@.new $@

-include $(NET_OBJECTS:.o=.d)
