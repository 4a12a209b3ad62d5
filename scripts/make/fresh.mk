# Tries the checkout on a machine with node, npm, gcc and make only, to see whether targets ask for everything that
# they use. FRESH="make test" runs that there. It is due when the asked-for packages change, and once a week.
# Downloads are kept in dist/fresh/cache.
FRESH ?=
FRESH_DAYS ?= 7
FRESH_OF = $$({ cat scripts/need.sh scripts/fresh.sh; grep -h '_PACKAGES\|call need' Makefile scripts/make/*.mk; } | sha256sum)
.PHONY: fresh fresh-if-due
fresh: debian-root ## try the checkout on a machine with node, npm, gcc and make alone
	$(Q)if [ -e dist/debian-root.skipped ]; then echo "make: a fresh machine is not tried: $$(cat dist/debian-root.skipped)" >&2; exit 0; fi; \
	status=0; bash scripts/fresh.sh $(CURDIR)/dist/fresh $(CURDIR)/dist/debian-root $(FRESH) || status=$$?; \
	if [ $$status = 75 ]; then echo 'make: a fresh machine is not tried' >&2; exit 0; fi; \
	[ $$status = 0 ] && echo "$(FRESH_OF)" >dist/fresh.ok

fresh-if-due:
	$(Q)[ "$$(cat dist/fresh.ok 2>/dev/null)" = "$(FRESH_OF)" ] && [ -n "$$(find dist/fresh.ok -mtime -$(FRESH_DAYS))" ] || $(MAKE) fresh
