/*
 * open(2) in one system call: musl's asks fcntl(2) once more for FD_CLOEXEC, for kernels older than 2.6.23, which is 9
 * of 506 calls of a start. Under glibc the C library's stays.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef __GLIBC__

int open(const char *path, int flags, ...)
{
	va_list arguments;
	va_start(arguments, flags);
	mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
	va_end(arguments);
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_LARGEFILE, mode);
}

#endif
