/* The host name. */
#ifndef NSBOX_UTS_H
#define NSBOX_UTS_H

void uts_set_name(const char *name);

#endif
