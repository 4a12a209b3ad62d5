/* The command of a box whose memory is looked at: it does nothing, until it is killed. */
#include <unistd.h>

int main(void)
{
	for (;;)
		pause();
}
