#include "exec_failure.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "report.h"

/* The word behind "#!", execve(2). */
static bool script_interpreter(const char *start, ssize_t length, char *out, size_t size)
{
	if (length < 3 || start[0] != '#' || start[1] != '!')
		return false;
	start += 2 + strspn(start + 2, " \t");
	snprintf(out, size, "%.*s", (int)strcspn(start, " \t\n"), start);
	return true;
}

static bool elf_interpreter(int fd, const char *start, ssize_t length, char *out, size_t size)
{
	Elf64_Ehdr header;
	Elf64_Phdr entry;
	if (length < (ssize_t)sizeof header)
		return false;
	memcpy(&header, start, sizeof header);
	if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64)
		return false;
	for (unsigned i = 0; i < header.e_phnum && i < 64; i++) {
		if (pread(fd, &entry, sizeof entry, (off_t)(header.e_phoff + i * sizeof entry)) != (ssize_t)sizeof entry)
			return false;
		if (entry.p_type != PT_INTERP || entry.p_filesz == 0 || entry.p_filesz > size)
			continue;
		ssize_t got = pread(fd, out, entry.p_filesz, (off_t)entry.p_offset);
		if (got != (ssize_t)entry.p_filesz)
			return false;
		out[got - 1] = '\0';
		return true;
	}
	return false;
}

static void explain_missing(const char *path)
{
	char start[256] = "", interpreter[256], hint[600];
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, start, sizeof start - 1);
	if (length < 0)
		return;
	errno = ENOENT;
	if (script_interpreter(start, length, interpreter, sizeof interpreter)) {
		snprintf(hint, sizeof hint, "%s is there; it is a script for %s, which is not", path, interpreter);
		report_hint(hint);
		if (stat(interpreter, &st) == 0)
			report_hint("the interpreter of the script is there, but what that one needs to start is not");
		errno = ENOENT;
		fail_status(STATUS_NOT_FOUND, "the interpreter of the script is missing in the box", interpreter);
	}
	if (elf_interpreter(fd, start, length, interpreter, sizeof interpreter)) {
		snprintf(hint, sizeof hint, "%s is there; it is dynamically linked, and %s, which loads it, is not: nsbox rootfs build copies both", path, interpreter);
		report_hint(hint);
		errno = ENOENT;
		fail_status(STATUS_NOT_FOUND, "the ELF interpreter of the program is missing in the box", interpreter);
	}
	close(fd);
}

void exec_explain_failure(const char *path)
{
	int number = errno;
	struct stat st;
	struct statvfs fs;
	if (number == ENOENT)
		explain_missing(path);
	if (number == EACCES && stat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			report_hint("it is a directory");
		else if (statvfs(path, &fs) == 0 && (fs.f_flag & ST_NOEXEC))
			report_hint("it lies on a file system that is mounted noexec");
		else if (!(st.st_mode & 0111))
			report_hint("it has no execute permission: chmod +x");
	}
	if (number == ENOEXEC)
		report_hint("it is neither a program for this machine nor a script");
	errno = number;
	if (number == ENOENT || number == ENOTDIR)
		fail_status(STATUS_NOT_FOUND, "command not found in the box", path);
	fail_status(STATUS_NOT_EXECUTABLE, "can't be executed", path);
}
