/* Writes as many bytes as its argument says to standard output, as fast as they are taken. */
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static char block[65536];
	for (long long left = argc > 1 ? atoll(argv[1]) : 0; left > 0;) {
		ssize_t done = write(1, block, left < (long long)sizeof block ? (size_t)left : sizeof block);
		if (done < 0)
			return 1;
		left -= done;
	}
	return 0;
}
