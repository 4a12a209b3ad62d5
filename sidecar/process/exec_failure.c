#include "process/exec_failure.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/report.h"

/* Copies the word behind "#!", execve(2). */
static bool script_interpreter(const char *start, ssize_t length, char *out, size_t size)
{
	if (length < 3 || start[0] != '#' || start[1] != '!')
		return false;
	start += 2 + strspn(start + 2, " \t");
	snprintf(out, size, "%.*s", (int)strcspn(start, " \t\n"), start);
	return true;
}

/* Finds the name of the interpreter in an ELF file, elf(5), for one class. False if the file names none. */
#define FIND_INTERPRETER(bits) \
	static bool find_interpreter_##bits(int fd, const char *start, size_t *offset, size_t *size) \
	{ \
		Elf##bits##_Ehdr header; \
		Elf##bits##_Phdr entry; \
		memcpy(&header, start, sizeof header); \
		for (unsigned i = 0; i < header.e_phnum && i < 64; i++) { \
			if (pread(fd, &entry, sizeof entry, (off_t)(header.e_phoff + i * sizeof entry)) != (ssize_t)sizeof entry) \
				return false; \
			*offset = (size_t)entry.p_offset; \
			*size = (size_t)entry.p_filesz; \
			if (entry.p_type == PT_INTERP) \
				return true; \
		} \
		return false; \
	}
FIND_INTERPRETER(32)
FIND_INTERPRETER(64)

static bool elf_interpreter(int fd, const char *start, ssize_t length, char *out, size_t size)
{
	size_t offset, used;
	if (length < (ssize_t)sizeof(Elf64_Ehdr) || memcmp(start, ELFMAG, SELFMAG) != 0)
		return false;
	bool found = start[EI_CLASS] == ELFCLASS64
					 ? find_interpreter_64(fd, start, &offset, &used)
					 : start[EI_CLASS] == ELFCLASS32 && find_interpreter_32(fd, start, &offset, &used);
	if (!found || used == 0 || used > size || pread(fd, out, used, (off_t)offset) != (ssize_t)used)
		return false;
	out[used - 1] = '\0';
	return true;
}

enum { MAX_INTERPRETERS = 4 };

/* Whether the interpreter of a script, the loader of a program, or that one's own interpreter is missing. */
static bool lacks_interpreter(const char *path, int depth)
{
	char start[256] = "", interpreter[256];
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t length = fd < 0 ? -1 : read(fd, start, sizeof start - 1);
	bool has = script_interpreter(start, length, interpreter, sizeof interpreter) ||
			   elf_interpreter(fd, start, length, interpreter, sizeof interpreter);
	close(fd);
	if (!has || depth == MAX_INTERPRETERS)
		return false;
	return (stat(interpreter, &st) < 0 && errno == ENOENT) || lacks_interpreter(interpreter, depth + 1);
}

bool exec_can_succeed(const char *path)
{
	struct stat st;
	if (stat(path, &st) < 0)
		return false;
	if (!S_ISREG(st.st_mode))
		errno = EACCES;
	else if (access(path, X_OK) == 0)
		errno = lacks_interpreter(path, 0) ? ENOENT : 0;
	return errno == 0;
}

static void explain_missing(const char *path)
{
	char start[256] = "", interpreter[256], hint[600];
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t length = fd < 0 ? -1 : read(fd, start, sizeof start - 1);
	if (length < 0) {
		if (stat(path, &st) < 0)
			return;
		errno = ENOENT;
		fail_status(STATUS_NOT_FOUND, "the interpreter of the program is missing in the box", path,
			"it is there, but its interpreter is not; the file can't be read, so nsbox can't tell which one that is");
	}
	errno = ENOENT;
	if (script_interpreter(start, length, interpreter, sizeof interpreter)) {
		bool there = stat(interpreter, &st) == 0;
		snprintf(hint, sizeof hint, "%s exists, but its interpreter %s does not", path, interpreter);
		errno = ENOENT;
		fail_status(STATUS_NOT_FOUND, "the interpreter of the script is missing in the box", interpreter,
			there ? "the script's interpreter exists, but lacks its own interpreter or loader" : hint);
	}
	if (elf_interpreter(fd, start, length, interpreter, sizeof interpreter)) {
		snprintf(hint, sizeof hint, "%s exists, but its loader %s does not: nsbox rootfs build copies both", path,
			interpreter);
		errno = ENOENT;
		fail_status(STATUS_NOT_FOUND, "the ELF interpreter of the program is missing in the box", interpreter, hint);
	}
	close(fd);
}

/* Whether PATH is a text, for which exec.c has tried a shell. */
static bool is_text(const char *path)
{
	char start[128];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t length = fd < 0 ? -1 : read(fd, start, sizeof start);
	close(fd);
	return length > 0 && !memchr(start, '\0', (size_t)length);
}

static const char *hint_for(int number, const char *path)
{
	struct stat st;
	struct statfs fs;
	if (number == EACCES && stat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return "it is a directory; if it belongs to an option, both are one word: --bind SRC:DST";
		if (statfs(path, &fs) == 0 && (fs.f_flags & ST_NOEXEC))
			return "it lies on a file system that is mounted noexec";
		if (!(st.st_mode & 0111))
			return "it has no execute permission: chmod +x";
	}
	if (number == EPERM && getxattr(path, "security.capability", NULL, 0) > 0)
		return "its file has a capability that the box may not have: --cap-add it, or leave out --allow-new-privs and it starts without";
	if (number == ENOEXEC)
		return is_text(path) ? "it is a script that names no interpreter, and the box has no /bin/sh to run it"
							 : "it is neither a program for this machine nor a script";
	return NULL;
}

void exec_explain_failure(const char *path)
{
	int number = errno;
	if (number == ENOENT)
		explain_missing(path);
	const char *hint = hint_for(number, path);
	errno = number;
	if (number == ENOENT || number == ENOTDIR)
		fail_status(STATUS_NOT_FOUND, "command not found in the box", path, hint);
	fail_status(STATUS_NOT_EXECUTABLE, "can't be executed", path, hint);
}
