# The guests that tests run boxes in: a Debian root, and kernels in a virtual machine.

.PHONY: debian-root foreign-images vm-tools vm-kernels

# A whole Debian for the tests that run boxes in one. Root makes it once. If that fails, dist/debian-root.skipped has
# the reason, the tests print it, and `make clean` makes it be tried again. It is made in a mount namespace of its
# own, so that no mount is left.
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

# Images that others have made, for the tests: from Debian's packages, which stay as they are and uninstalled. If one
# can't be had, dist/foreign-images/PACKAGE.skipped has the reason. All are tried again after `make clean`.
foreign-images:
	$(Q)mkdir -p dist; [ -e dist/foreign-images ] || { $(say) IMAGES dist/foreign-images; sh scripts/foreign-images.sh $(CURDIR)/dist/foreign-images; }

# Kernels for the tests in a virtual machine, from Debian's packages, which scripts/vm-kernel.sh lists. If one can't
# be had, dist/vm/NAME.skipped has the reason, and the tests print it. It is tried again after a day, and after `make
# clean`.
VM_KERNELS ?= 5.10.223 5.10 6.1 6.12 7
vm-tools:
	@$(call need,qemu-system-x86_64 static:/bin/busybox,qemu-system-x86 busybox-static,the tests in a virtual machine are skipped (on Debian and Ubuntu: apt-get install qemu-system-x86 busybox-static)) $(if_possible)

vm-kernels: $(VM_KERNELS:%=vm-kernel/%)
vm-kernel/%: | vm-tools
	$(Q)mkdir -p dist/vm
	$(Q)if [ -e dist/vm/$*/modules ] || [ -n "$$(find dist/vm -name $*.skipped -mtime -1)" ]; then exit 0; fi; \
	$(say) KERNEL $*; rm -f dist/vm/$*.skipped; \
	if ! sh scripts/vm-kernel.sh $* $(CURDIR)/dist/vm/$* >dist/vm/$*.log 2>&1; then tail -n 1 dist/vm/$*.log >dist/vm/$*.skipped; fi

# All that tests need and that is downloaded, without an installation on this machine: it can be made beside other work.
.PHONY: downloads
downloads: debian-root foreign-images programs-root slurm-root vm-kernels $(ARM64_KERNELS:%=vm-kernel/%) $(ARM64)/libc $(ARM64)/libraries $(ARM64)/guest $(ARM64_BUN)

# Runs only the files that boot a virtual machine, each on every kernel. `make test` runs them too, the long one on
# one kernel.
.PHONY: test-vm
test-vm: all test-tools vm-kernels $(TEST_PROGRAMS) ## run the tests in a virtual machine, each on every kernel
	$(Q)NSBOX_TEST_VM=all $(BUN) scripts/test.ts vm/
