/* The file that is executed: the sidecar, with the parts that the plan calls, and the plan at its end, in memory. */
#ifndef NSBOX_NATIVE_BOX_FILE_H
#define NSBOX_NATIVE_BOX_FILE_H

#include "table.h"
#include "text.h"

__asm__("nsbox: .asciz \"nsbox\"\n"
		"magic: .ascii \"NSBOXPLN\"\n"
		"parts: .ascii \"hide\\0\\0\\0\\0net\\0\\0\\0\\0\\0NSBOXPRT\"\n");

/* Writes programs of nsbox that a plan calls by a name, as sidecar/plan/part.c reads them: each with its name, its
 * length and a magic word behind it. Returns 0, or the error as a negative number. */
static long write_parts(long file)
{
	enum { PARTS = 2, WORD = 8 };
	const char *names = ADDRESS_OF("parts");
	for (int part = 0; part < PARTS; part++) {
		const char *program = address_of(HIDE + 2 * part), *program_end = address_of(HIDE_END + 2 * part);
		uint64_t end[3] = {0, (uint64_t)(program_end - program), 0};
		__builtin_memcpy(&end[0], names + (long)WORD * part, WORD);
		__builtin_memcpy(&end[2], names + (long)WORD * PARTS, WORD);
		long failed = write_all(file, program, (long)end[1]);
		if (failed < 0 || (failed = write_all(file, (char *)end, sizeof end)) < 0)
			return failed;
	}
	return 0;
}

/* Makes a sealed memory file: the sidecar, the parts if they are wanted, the plan, its length, the magic word
 * (sidecar/plan/plan_source.c). Returns its descriptor, or the error as a negative number. */
static long file_with(int with_parts, const char *plan)
{
	const char *sidecar = address_of(SIDECAR), *sidecar_end = address_of(SIDECAR_END);
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
		(with_parts && (failed = write_parts(file)) < 0) || (failed = write_all(file, plan, (long)end[0])) < 0 ||
		(failed = write_all(file, (char *)end, sizeof end)) < 0)
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
	enum { EMPTY_PATH = 0x1000 };
	char name[DESCRIPTOR_NAME];
	long failed = call6(EXECVEAT, file, (long)(char *)ADDRESS_OF("nsbox + 5"), (long)argv, (long)env, EMPTY_PATH, 0);
	name_descriptor(name, file);
	call4(EXECVE, name, argv, env, 0);
	return failed;
}

#endif
