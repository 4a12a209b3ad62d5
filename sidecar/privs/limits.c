#include "privs/limits.h"

#include <signal.h>
#include <sys/resource.h>

#include "base/report.h"

static const int resources[] = {
	[LIMIT_RESOURCE_AS] = RLIMIT_AS,
	[LIMIT_RESOURCE_CORE] = RLIMIT_CORE,
	[LIMIT_RESOURCE_CPU] = RLIMIT_CPU,
	[LIMIT_RESOURCE_DATA] = RLIMIT_DATA,
	[LIMIT_RESOURCE_FSIZE] = RLIMIT_FSIZE,
	[LIMIT_RESOURCE_LOCKS] = RLIMIT_LOCKS,
	[LIMIT_RESOURCE_MEMLOCK] = RLIMIT_MEMLOCK,
	[LIMIT_RESOURCE_MSGQUEUE] = RLIMIT_MSGQUEUE,
	[LIMIT_RESOURCE_NICE] = RLIMIT_NICE,
	[LIMIT_RESOURCE_NOFILE] = RLIMIT_NOFILE,
	[LIMIT_RESOURCE_NPROC] = RLIMIT_NPROC,
	[LIMIT_RESOURCE_RSS] = RLIMIT_RSS,
	[LIMIT_RESOURCE_RTPRIO] = RLIMIT_RTPRIO,
	[LIMIT_RESOURCE_RTTIME] = RLIMIT_RTTIME,
	[LIMIT_RESOURCE_SIGPENDING] = RLIMIT_SIGPENDING,
	[LIMIT_RESOURCE_STACK] = RLIMIT_STACK,
};

static rlim_t value_of(int64_t number) { return number < 0 ? RLIM_INFINITY : (rlim_t)number; }

void limits_apply(const struct process *process)
{
	for (size_t i = 0; i < process->limits_count; i++) {
		const struct limit *limit = &process->limits[i];
		struct rlimit now;
		if (prlimit(0, resources[limit->resource], NULL, &now) < 0)
			fail("read limit", word_at(limit_resource_words, limit->resource));
		now.rlim_cur = value_of(limit->soft);
		if (limit->hard != -2)
			now.rlim_max = value_of(limit->hard);
		if (prlimit(0, resources[limit->resource], &now, NULL) < 0)
			fail("set limit", word_at(limit_resource_words, limit->resource));
	}
	if (process->reset_signals & PROCESS_RESET_SIGNALS_PIPE)
		signal(SIGPIPE, SIG_DFL);
	if (process->reset_signals & PROCESS_RESET_SIGNALS_XFSZ)
		signal(SIGXFSZ, SIG_DFL);
}
