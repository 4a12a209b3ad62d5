/*
 * Types a text into its terminal, as a person would, by TIOCSTI: `push TEXT [HIGH]`. HIGH goes into the upper half of
 * the request. Prints the result of the first character.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	unsigned long request = TIOCSTI | (argc > 2 ? strtoul(argv[2], NULL, 16) << 32 : 0);
	if (argc < 2)
		return 2;
	for (const char *c = argv[1]; *c; c++)
		if (syscall(SYS_ioctl, 0, request, c) < 0) {
			printf("refused: %s\n", strerror(errno));
			return 1;
		}
	puts("pushed");
	return 0;
}
