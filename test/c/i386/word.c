/*
 * A program of i386, without a C library: it prints a word, asks for a socket as old C libraries do, and ends with
 * status 7.
 */
static long call(long number, long a, long b, long c)
{
	long result;
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
	return result;
}

enum { EXIT = 1, WRITE = 4, SOCKETCALL = 102, SOCKET = 359, SYS_SOCKET = 1, AF_UNIX = 1, STREAM = 1, ENOSYS = 38 };

void _start(void)
{
	static const char runs[] = "runs\n", direct[] = "socket\n", refused[] = "no socketcall\n";
	long arguments[] = {AF_UNIX, STREAM, 0};
	call(WRITE, 1, (long)runs, sizeof runs - 1);
	if (call(SOCKET, AF_UNIX, STREAM, 0) >= 0)
		call(WRITE, 1, (long)direct, sizeof direct - 1);
	if (call(SOCKETCALL, SYS_SOCKET, (long)arguments, 0) == -ENOSYS)
		call(WRITE, 1, (long)refused, sizeof refused - 1);
	call(EXIT, 7, 0, 0);
}
