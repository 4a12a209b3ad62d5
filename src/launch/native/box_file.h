/* The file that is executed: the sidecar with a plan at its end, in memory. */
#ifndef NSBOX_NATIVE_BOX_FILE_H
#define NSBOX_NATIVE_BOX_FILE_H

#include "machine.h"

__asm__("nsbox: .asciz \"nsbox\"\n"
		"descriptors: .ascii \"/proc/self/fd/\"\n"
		"magic: .ascii \"NSBOXPLN\"\n");

/* Makes a sealed memory file: the sidecar, the plan, its length, the magic word (sidecar/plan/plan_source.c). Returns
 * its descriptor, or the error as a negative number. */
static long file_with(const char *sidecar, const char *sidecar_end, const char *plan)
{
	enum { CLOEXEC = 1, ALLOW_SEALING = 2, EXECUTABLE = 16, NOT_KNOWN = -22, ADD_SEALS = 1033, ALL_SEALS = 15 };
	uint64_t end[2] = {0, *(uint64_t *)ADDRESS_OF("magic")};
	long failed;
	/* With vm.memfd_noexec=1 a memory file is executable only with MFD_EXEC. Both came with Linux 6.3. */
	long file = call4(MEMFD_CREATE, ADDRESS_OF("nsbox"), CLOEXEC | ALLOW_SEALING | EXECUTABLE, 0, 0);
	if (file == NOT_KNOWN)
		file = call4(MEMFD_CREATE, ADDRESS_OF("nsbox"), CLOEXEC | ALLOW_SEALING, 0, 0);
	if (file < 0)
		return file;
	while (plan[end[0]])
		end[0]++;
	if ((failed = write_all(file, sidecar, sidecar_end - sidecar)) < 0 ||
		(failed = write_all(file, plan, (long)end[0])) < 0 || (failed = write_all(file, (char *)end, sizeof end)) < 0)
		return failed;
	call4(FCNTL, file, ADD_SEALS, ALL_SEALS, 0);
	return file;
}

/*
 * Executes FILE by its descriptor, or, if that fails, by its name in /proc: Linux 5.10.223 fails for an empty path, and
 * some seccomp filters refuse the call. Returns the first error.
 */
static long execute_file(long file, char *const argv[], char *const env[])
{
	enum { EMPTY_PATH = 0x1000, PREFIX = 14, DIGITS = 20 };
	char name[PREFIX + DIGITS + 1], *at = name + PREFIX;
	long unit = 1,
		 failed = call6(EXECVEAT, file, (long)(char *)ADDRESS_OF("nsbox + 5"), (long)argv, (long)env, EMPTY_PATH, 0);
	__builtin_memcpy(name, ADDRESS_OF("descriptors"), PREFIX);
	while (file / unit > 9)
		unit *= 10;
	for (; unit; unit /= 10)
		*at++ = (char)('0' + file / unit % 10);
	*at = 0;
	call4(EXECVE, name, argv, env, 0);
	return failed;
}

#endif
