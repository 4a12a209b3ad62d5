/* In place of execve(3). */
#ifndef NSBOX_NATIVE_BECOME_H
#define NSBOX_NATIVE_BECOME_H

#include "box_file.h"
#include "facts.h"
#include "inherited.h"
#include "remember.h"

/* Handlers don't survive execve, so only "ignore" and "default" have to be restored. */
static void put_back(const struct inherited *inherited)
{
	uint64_t action[4] = {0};
	action[0] = inherited->broken_pipe;
	call4(SIGACTION, BROKEN_PIPE, action, 0, SET_BYTES);
	action[0] = inherited->file_too_large;
	call4(SIGACTION, FILE_TOO_LARGE, action, 0, SET_BYTES);
	call4(PRLIMIT, 0, OPEN_FILES, inherited->open_files, 0);
	for (int n = 0; n < LIMITS; n++)
		call4(PRLIMIT, 0, limit_at(n).resource, inherited->limits[n], 0);
	call4(SIGPROCMASK, SET_MASK, &inherited->blocked, 0, SET_BYTES);
}

/* RECORD is what start_remember takes. */
static void remember(const struct inherited *inherited, char *const record[])
{
	struct start start;
	if (start_note(&start, inherited->environment, ADDRESS_OF("program_id")))
		start_remember(&start, record);
}

/*
 * PATH is a file to execute with ARGV; or "nsbox", for the sidecar with the plan in ARGV, behind which a record may
 * stand; or "nsbox+", for the sidecar with the parts, and the plan; or "?", which asks whether all facts in ARGV hold.
 * The answer is one of two errors that execve(2) doesn't have, so that the front end also knows that it calls this
 * function. KEPT has the descriptors that stay open, each as the variable "N=".
 */
__attribute__((used)) static int become(const char *path, char *const argv[], char *const kept[])
{
	enum { NAME = 5, SET_DESCRIPTOR_FLAGS = 2, YES = -33 /* EDOM */, NO = -34 /* ERANGE */ };
	char *alone[2] = {ADDRESS_OF("nsbox"), 0};
	struct inherited *inherited = find_inherited();
	if (path[0] == 'n' && argv[1])
		remember(inherited, argv + 1);
	/* Done while SIGXFSZ is still ignored, so that a low RLIMIT_FSIZE is an error and not our death. */
	long named = path[0] == '/', file = 0;
	if (path[0] == '?')
		file = answer(argv) ? YES : NO;
	else if (!named)
		file = file_with(path[NAME] == '+', argv[0]);
	for (; file >= 0 && *kept; kept++) {
		const char *at = *kept;
		uint64_t descriptor = number_at(&at);
		if (path[0] != 'n' || descriptor >= 64 || !(inherited->closed >> descriptor & 1))
			call4(FCNTL, descriptor, SET_DESCRIPTOR_FLAGS, 0, 0);
	}
	if (file >= 0) {
		put_back(inherited);
		file = named ? call4(EXECVE, path, argv, inherited->environment, 0)
					 : execute_file(file, alone, inherited->environment);
		raise_limits();
	}
	*(int *)call_slot(ERRNO_SLOT, 0, 0, 0) = (int)-file;
	return -1;
}

#endif
