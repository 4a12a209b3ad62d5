#include "net/pipes.h"

#include <fcntl.h>
#include <unistd.h>

/* Larger than the kernel's default, which is 64 KiB: fewer calls for the same bytes. */
enum { KEPT = 16, SIZE = 512 << 10 };

static struct pipe_ends kept[KEPT];
static unsigned count, large;

bool pipes_take(struct pipe_ends *ends)
{
	int fds[2];
	if (count > 0) {
		*ends = kept[--count];
		return true;
	}
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return false;
	*ends = (struct pipe_ends){fds[0], fds[1]};
	/* Only a few are large: each user has a limit on the memory of pipes, pipe(7). Where it is reached, this fails. */
	if (large < KEPT && fcntl(ends->write, F_SETPIPE_SZ, SIZE) == SIZE)
		large++;
	return true;
}

void pipes_give_back(struct pipe_ends *ends, bool empty)
{
	if (empty && count < KEPT) {
		kept[count++] = *ends;
		return;
	}
	if (fcntl(ends->write, F_GETPIPE_SZ) == SIZE)
		large--;
	close(ends->read);
	close(ends->write);
}
