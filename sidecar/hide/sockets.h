/* Hides the Unix sockets of the host that a box would see. */
#ifndef NSBOX_HIDE_SOCKETS_H
#define NSBOX_HIDE_SOCKETS_H

/*
 * TOP is the directory that shows FROM, a path of the host, "" for its root. LIST: the text of /proc/net/unix of the
 * host's network. ALLOWED: paths of sockets that stay, and of directories whose sockets stay; a NULL ends it. Fails by
 * failure().
 */
void sockets_hide(int top, const char *from, int list, char *const *allowed);

#endif
