#include "namespaces/uts.h"

#include <string.h>
#include <unistd.h>

#include "base/report.h"

void uts_set_name(const char *name)
{
	if (sethostname(name, strlen(name)) < 0)
		fail("set the host name", name);
}
