/* Sets the host name. */
#ifndef NSBOX_NAMESPACES_UTS_H
#define NSBOX_NAMESPACES_UTS_H

void uts_set_name(const char *name);

#endif
