/* The command of a box whose memory is measured: it waits until it is killed. */
#include <unistd.h>

int main(void)
{
	for (;;)
		pause();
}
