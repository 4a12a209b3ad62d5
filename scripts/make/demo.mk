# A box to look at.

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

.PHONY: demo
demo: all ## show a box, and that it leaves nothing
	$(Q)rm -rf --one-file-system dist/demo-root
	dist/nsbox rootfs build dist/demo-root bash ls cat touch id
	@echo; echo "$(DEMO) bash -c '...'"; echo
	@$(DEMO) bash -c "$$DEMO_SCRIPT" | sed 's/^/    /'
	@echo; echo 'And on the host:'
	@if [ -e /tmp/$(DEMO_FILE) ] || [ -e dist/demo-root/tmp/$(DEMO_FILE) ]; then echo '    $(DEMO_FILE) is there: it leaked' >&2; exit 1; fi
	@if grep -F '/dist/demo-root' /proc/self/mountinfo >&2; then echo '    the box left a mount' >&2; exit 1; fi
	@echo '    no $(DEMO_FILE) in /tmp or in dist/demo-root, no mount left'
