#include "base/clock.h"

#include <fcntl.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

static int64_t read_ms(clockid_t id)
{
	struct timespec ts = {0, 0};

	(void)clock_gettime(id, &ts); /* cannot fail for these ids on Linux */
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static struct instant system_now(void *arg)
{
	(void)arg;
	return (struct instant){read_ms(CLOCK_BOOTTIME), read_ms(CLOCK_REALTIME)};
}

const struct clock *clock_system(void)
{
	static const struct clock system = {system_now, NULL};

	return &system;
}

int64_t clock_mono_us(void)
{
	struct timespec ts = {0, 0};

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

uint64_t clock_boot_id(void)
{
	char text[64];
	uint64_t hash = 1469598103934665603u; /* FNV-1a */
	ssize_t n;
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof text);
	(void)close(fd);
	if (n <= 0)
		return 0;
	for (ssize_t i = 0; i < n; i++)
		hash = (hash ^ (unsigned char)text[i]) * 1099511628211u;
	return hash;
}
