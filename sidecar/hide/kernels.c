#include "hide/kernels.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/statfs.h>

bool kernels_own(int fd)
{
	/* include/uapi/linux/magic.h; the last is that of autofs. */
	static const uint32_t types[] = {0x9fa0, 0x62656572, 0x63677270, 0x27e0eb, 0x1cd1, 0x64626720, 0x74726163,
		0x73636673, 0xcafe4a11, 0x19800202, 0x62656570, 0x6165676c, 0xde5e81e4, 0x42494e4d, 0x6e736673, 0x0187};
	struct statfs fs;
	if (fstatfs(fd, &fs) < 0)
		return false;
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if ((uint32_t)fs.f_type == types[i])
			return true;
	return false;
}
