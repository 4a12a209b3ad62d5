/* What Debian's static libraries, compiled for glibc, take from the C library by names that musl doesn't have. */
#include <stdarg.h>
#include <stdio.h>
#include <sys/sysmacros.h>

/* Some releases of musl have a macro of this name. */
#undef fopen64
FILE *fopen64(const char *path, const char *mode);
int __fprintf_chk(FILE *out, int flag, const char *format, ...);
unsigned long gnu_dev_makedev(unsigned major, unsigned minor);
unsigned gnu_dev_major(unsigned long device);
unsigned gnu_dev_minor(unsigned long device);

FILE *fopen64(const char *path, const char *mode) { return fopen(path, mode); }

int __fprintf_chk(FILE *out, int flag, const char *format, ...)
{
	va_list args;
	(void)flag;
	va_start(args, format);
	int count = vfprintf(out, format, args);
	va_end(args);
	return count;
}

unsigned long gnu_dev_makedev(unsigned major, unsigned minor) { return makedev(major, minor); }
unsigned gnu_dev_major(unsigned long device) { return major(device); }
unsigned gnu_dev_minor(unsigned long device) { return minor(device); }
