/* Names that Debian's static libraries, compiled for glibc, take from the C library and musl doesn't have. */
#include <stdarg.h>
#include <stdio.h>
#include <sys/sysmacros.h>

/* Some releases of musl have a macro of this name. */
#undef fopen64
FILE *fopen64(const char *path, const char *mode); /* NOLINT(readability-redundant-declaration): musl has none */
int lzo1x_decompress_safe(
	const unsigned char *in, unsigned long length, unsigned char *out, unsigned long *room, void *memory);
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

/* libsquashfuse.a knows LZO, whose library may only be had under the GPL. Nothing is decompressed by it. */
int lzo1x_decompress_safe(
	const unsigned char *in, unsigned long length, unsigned char *out, unsigned long *room, void *memory)
{
	(void)in, (void)length, (void)out, (void)room, (void)memory;
	return -1;
}

#ifdef __aarch64__
/*
 * OpenSSL's SHA-256 chooses its code by this variable. OpenSSL's own definition comes with a function that runs before
 * main(), executes instructions to see whether they are there, and needs setjmp(3) as glibc has it.
 */
#include <sys/auxv.h>

enum { CPU_HAS_SHA2 = 1 << 6 /* HWCAP_SHA2 */, OPENSSL_NEON = 1 << 0, OPENSSL_SHA256 = 1 << 4 };

extern unsigned OPENSSL_armcap_P;
unsigned OPENSSL_armcap_P;

__attribute__((constructor)) static void find_instructions(void)
{
	OPENSSL_armcap_P = OPENSSL_NEON | (getauxval(AT_HWCAP) & CPU_HAS_SHA2 ? OPENSSL_SHA256 : 0);
}
#endif
