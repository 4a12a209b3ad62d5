/* Prints the version of the kernel's Landlock interface, or 0 if it has no Landlock. landlock_create_ruleset(2) */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	long version = syscall(444, NULL, 0, 1u /* LANDLOCK_CREATE_RULESET_VERSION */);
	printf("%ld\n", version < 0 ? 0 : version);
	return 0;
}
