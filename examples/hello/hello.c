#include <stdio.h>

int main(void)
{
	puts("hello from a box");
	return 0;
}
