/* Landlock's scopes: they stop the box where no namespace does. */
#ifndef NSBOX_PRIVS_LANDLOCK_H
#define NSBOX_PRIVS_LANDLOCK_H

/*
 * Restricts this process and all that it starts. Scopes came with Linux 6.12; an older kernel restricts tracing alone
 * (5.13, REFER 5.19), or nothing.
 */
void landlock_apply(unsigned scopes);

#endif
