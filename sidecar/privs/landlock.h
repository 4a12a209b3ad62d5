/* What the box can't reach outside of itself, where no namespace divides it: Landlock's scopes. */
#ifndef NSBOX_PRIVS_LANDLOCK_H
#define NSBOX_PRIVS_LANDLOCK_H

/* For this process and all that it starts. Before Linux 6.12 there are none, and nothing is done. */
void landlock_apply(unsigned scopes);

#endif
