#ifndef NSBOX_FS_SETTING_H
#define NSBOX_FS_SETTING_H

/* A parameter of a file system; without a value it is a flag. A list ends with a NULL key. */
struct setting {
	const char *key, *value;
};

#endif
