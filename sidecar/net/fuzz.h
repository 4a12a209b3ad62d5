/* What the fuzzers of this directory share. */
#ifndef NSBOX_NET_FUZZ_H
#define NSBOX_NET_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void expect(bool holds)
{
	if (!holds)
		abort();
}

#endif
