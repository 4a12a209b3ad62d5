# dist/nsbox-trace, which notes the files that a command uses: static C, without any library but musl.

TRACE_SOURCES := $(wildcard sidecar/trace/*.c)
TRACE_OBJECTS := $(TRACE_SOURCES:sidecar/%.c=dist/obj/%.o)

dist/obj/trace-objects: FORCE
	@$(call stamp,$(TRACE_OBJECTS))

dist/nsbox-trace: $(TRACE_OBJECTS) dist/obj/trace-objects | musl
	@$(say) LINK $@
	$(Q)$(MUSL_CC) -o $@.new $(call c_link,$(TRACE_OBJECTS))
	@! LC_ALL=C readelf -lW $@.new | grep -q INTERP || { echo 'make: the tracer came out dynamically linked' >&2; rm -f $@.new; exit 1; }
	$(Q)mv -f $@.new $@

-include $(TRACE_OBJECTS:.o=.d)
