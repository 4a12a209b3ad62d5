/* Programs of the host that nsbox-net executes. */
#ifndef NSBOX_NET_TRUSTED_H
#define NSBOX_NET_TRUSTED_H

/*
 * Opens the program at the absolute path PATH, which nobody but root and the caller may be able to replace. Fails by
 * fail_hint().
 */
int trusted_open(const char *path);

#endif
