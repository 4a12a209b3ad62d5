#include "fs/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/report.h"

static const char control[] = "/dev/loop-control";

/* LOOP_CONFIGURE and its struct loop_config, which the kernel headers of older systems lack. */
enum { CONFIGURE = 0x4C0A };
struct configuration {
	uint32_t file, block_size;
	struct loop_info64 info;
	uint64_t reserved[8];
};

enum { TRIES = 100 };

/*
 * Before Linux 5.8 two calls do what one does now. The second one fails with EAGAIN while the kernel still has pages of
 * the device that begin elsewhere in the file. A process that is killed between them leaves the device in use.
 */
static int set_up_old(int device, int file, const struct loop_info64 *info)
{
	int tries = 0, number;
	if (ioctl(device, LOOP_SET_FD, file) < 0)
		return -1;
	while (ioctl(device, LOOP_SET_STATUS64, info) < 0) {
		if (errno == EAGAIN && tries++ < TRIES)
			continue;
		number = errno;
		ioctl(device, LOOP_CLR_FD, 0);
		errno = number;
		return -1;
	}
	return 0;
}

static int set_up(int device, int file, const struct loop_info64 *info)
{
	struct configuration configuration = {.file = (uint32_t)file, .info = *info};
	if (ioctl(device, CONFIGURE, &configuration) == 0)
		return 0;
	return errno == EINVAL || errno == ENOTTY ? set_up_old(device, file, info) : -1;
}

static const char *loop_hint(int number)
{
	if (number == EPERM || number == EACCES)
		return "loop devices are refused here, as to ordinary users and in most containers: without --trust-image the image is unpacked";
	if (number == ENOENT || number == ENODEV || number == ENXIO)
		return "there are no loop devices here, as in most containers (on the machine itself: modprobe loop); without --trust-image the image is unpacked";
	return NULL;
}

static _Noreturn void fail_loop(const char *what, const char *path)
{
	const char *hint = loop_hint(errno);
	fail_hint(what, path, hint);
}

int loop_open(int file, uint64_t offset, uint64_t size, const char *path)
{
	struct loop_info64 info = {
		.lo_offset = offset, .lo_sizelimit = size, .lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_READ_ONLY};
	char name[sizeof "/dev/loop" + 3 * sizeof(int)];
	int devices = open(control, O_RDWR | O_CLOEXEC);
	if (devices < 0)
		fail_loop("open", control);
	snprintf((char *)info.lo_file_name, sizeof info.lo_file_name, "%s", path);
	for (int tries = 0;; tries++) {
		int number = ioctl(devices, LOOP_CTL_GET_FREE);
		if (number < 0)
			fail_loop("find a free loop device", control);
		snprintf(name, sizeof name, "/dev/loop%d", number);
		/* A device that is opened read-only is one. */
		int device = open(name, O_RDONLY | O_CLOEXEC);
		if (device < 0)
			fail_loop("open", name);
		if (set_up(device, file, &info) == 0) {
			close(devices);
			return device;
		}
		/* Another process has taken the free device meanwhile, or removed it. */
		if ((errno != EBUSY && errno != ENXIO) || tries == TRIES)
			fail_loop("set up the loop device", path);
		close(device);
	}
}
