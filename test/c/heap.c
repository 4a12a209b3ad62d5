/*
 * Tests the sidecar's malloc(3): pieces of all sizes, allocated, grown and freed in random order, keep their contents.
 */
#include "libc/heap.c"

#include <stdio.h>

enum { PIECES = 300, STEPS = 200000, SMALL = 300, BIG = 300000 };

static struct {
	unsigned char *memory;
	size_t size;
	unsigned char filled;
} pieces[PIECES];
static unsigned long state = 1;

static unsigned next(unsigned below)
{
	state = state * 6364136223846793005ul + 1442695040888963407ul;
	return (unsigned)(state >> 33) % below;
}

static int holds(const unsigned char *memory, size_t size, unsigned char byte)
{
	for (size_t i = 0; i < size; i++)
		if (memory[i] != byte)
			return 0;
	return 1;
}

static void check(int good, const char *what)
{
	if (good)
		return;
	printf("%s\n", what);
	exit(1);
}

static void step(unsigned n)
{
	size_t size = next(200) ? next(SMALL) : next(BIG), before = pieces[n].size;
	unsigned kind = next(3);
	check(holds(pieces[n].memory, before, pieces[n].filled), "a piece was overwritten");
	if (kind == 2) {
		pieces[n].memory = realloc(pieces[n].memory, size);
		check(holds(pieces[n].memory, before < size ? before : size, pieces[n].filled), "realloc lost something");
	} else {
		free(pieces[n].memory);
		pieces[n].memory = kind ? calloc(size, 1) : malloc(size);
		check(!kind || holds(pieces[n].memory, size, 0), "calloc gave what is not zero");
	}
	check((uintptr_t)pieces[n].memory % _Alignof(max_align_t) == 0, "not aligned");
	pieces[n].size = size;
	pieces[n].filled = (unsigned char)next(256);
	memset(pieces[n].memory, pieces[n].filled, size);
}

int main(void)
{
	/* Volatile, since the compiler would reject such constants. */
	volatile size_t most = SIZE_MAX, half = SIZE_MAX / 2 + 1, large = PTRDIFF_MAX - 100;
	for (int i = 0; i < STEPS; i++)
		step(next(PIECES));
	for (unsigned n = 0; n < PIECES; n++)
		check(holds(pieces[n].memory, pieces[n].size, pieces[n].filled), "a piece was overwritten");
	check(!malloc(most) && !malloc(large) && !calloc(half, 2) && !realloc(NULL, most), "more than there is was given");
	free(NULL);
	heap_forget();
	for (unsigned n = 0; n < PIECES; n++)
		check(holds(pieces[n].memory, pieces[n].size, 0), "a piece was not forgotten");
	puts("ok");
}
