/* The way out for a command that is in no directory of PATH. */
#ifndef NSBOX_PROCESS_COMMAND_HINT_H
#define NSBOX_PROCESS_COMMAND_HINT_H

/* The hint for NAME, valid until the next call. */
const char *command_hint(const char *name);

#endif
