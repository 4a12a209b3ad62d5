#include "descriptor.h"

#include <stdlib.h>

#include "report.h"
#include "sys.h"

static int *kept;
static size_t count, room;

void descriptor_keep(int fd)
{
	if (count == room) {
		room = room ? room * 2 : 16;
		kept = realloc(kept, room * sizeof *kept);
		if (!kept)
			fail("allocate", NULL);
	}
	kept[count++] = fd;
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void close_gap(int first, int last)
{
	if (first > last || sys_close_range((unsigned)first, (unsigned)last) == 0)
		return;
	long most = sysconf(_SC_OPEN_MAX);
	for (int fd = first; fd <= last && fd < most; fd++)
		close(fd);
}

void descriptor_close_others(void)
{
	int first = 3;
	qsort(kept, count, sizeof *kept, by_number);
	for (size_t i = 0; i < count; i++) {
		if (kept[i] < first)
			continue;
		close_gap(first, kept[i] - 1);
		first = kept[i] + 1;
	}
	close_gap(first, INT_MAX);
}
