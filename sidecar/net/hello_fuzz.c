/*
 * Feeds arbitrary bytes to the reader of TLS hellos, whole and in parts: more bytes never take back what was decided.
 * Build it as scripts/make/fuzz.mk does.
 */
#include "net/name.c"
#include "net/hello.c"

#include <stdlib.h>

#include "net/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[NAME_SIZE], before[NAME_SIZE], again[NAME_SIZE];
	if (size > HELLO_SIZE)
		return 0;
	enum hello whole = hello_read(data, size, name);
	if (whole == HELLO_NAME)
		expect(!name_read(name, strlen(name), again) && strcmp(name, again) == 0);
	for (size_t part = 0; part < size; part += part < 64 ? 1 : 61) {
		enum hello first = hello_read(data, part, before);
		expect(first == HELLO_PART || first == whole);
		expect(first != HELLO_NAME || whole != HELLO_NAME || strcmp(before, name) == 0);
	}
	return 0;
}
