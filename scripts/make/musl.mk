# Compiles and links a static program with musl, hardened against exploits.

MUSL_CC ?= musl-gcc
# musl-gcc has no -static-pie of its own: its specs would link a program that needs musl's dynamic loader. If musl's
# start file for static position-independent programs is there (beside the one that a link would use), the link is
# spelled out; otherwise the program is static at a fixed address. (Expanded in recipes, since an earlier target may
# install musl-gcc.)
crt = $(shell dir=$$($(MUSL_CC) '-###' -x c /dev/null -o /dev/null 2>&1 | grep -o '[^ "]*/S\?crt1\.o' | head -n 1 | xargs -r dirname); \
	if [ -n "$$dir" ] && [ -e "$$dir/rcrt1.o" ]; then echo "$$dir"; fi)
crt_gcc = $(shell $(MUSL_CC) -print-file-name=$(1))
kernel_headers = -idirafter /usr/include -idirafter /usr/include/$(shell $(MUSL_CC) -print-multiarch)
# Left out: _FORTIFY_SOURCE, since musl doesn't implement it (`make lint` compiles with glibc's, for its warnings),
# and -fcf-protection, since the linker drops it unless all objects have it, and musl's don't. No code unwinds a
# stack, so there are no unwind tables. Left out too: RELRO, since musl's start code of a static program makes nothing
# read-only (/proc/PID/maps shows its data as rw-p), and the linker would leave up to a page empty for it.
# All files are linked as one (-flto=auto), which makes the sidecar smaller: a box starts by loading it.
LTO = $(call if_known,-flto=auto)
HARDENING = -fstack-protector-strong $(call if_known,-fstack-clash-protection) $(call if_known,-ftrivial-auto-var-init=zero)
if_known = $(shell $(MUSL_CC) -Werror $(1) -c -x c -o /dev/null /dev/null 2>/dev/null && echo '$(1)')
C_FLAGS = -std=c11 -Os $(call if_known,-Oz) $(LTO) -fno-align-functions -fmerge-all-constants $(C_WARNINGS) $(C_DEFINES) $(HARDENING) -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections \
	$(if $(crt),-fPIE,-fno-pie) $(kernel_headers)
# $(call c_link,OBJECTS AND LIBRARIES): the arguments that link them.
c_link = -static $(if $(LTO),$(LTO) -Os $(call if_known,-Oz) $(HARDENING) -fno-align-functions -fPIE) $(if $(crt),-nostartfiles -Wl$(,)-pie$(,)--no-dynamic-linker$(,)-z$(,)text \
	$(crt)/rcrt1.o $(crt)/crti.o $(call crt_gcc,crtbeginS.o),-no-pie) \
	$(1) $(if $(crt),$(call crt_gcc,crtendS.o) $(crt)/crtn.o) \
	-Wl,--gc-sections -Wl,--hash-style=gnu -Wl,-z,norelro -Wl,-z,now -Wl,-z,noexecstack -Wl,-z,noseparate-code -s

# What each start calls most. The reader of plans would take 900 bytes more with it, and 25,000 instructions of a start less.
dist/obj/base/arena.o: private C_FLAGS += -O2
