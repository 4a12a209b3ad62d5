/*
 * The layer that is being unpacked and the layers below it, seen as one root, as an overlay shows them. No path leads
 * out of it: "..", absolute links and links of the archive end at the root of the layers.
 *
 * The walk of fs/inroot.c can't do this: a name may lead from one layer into another, such as a link of the lowest
 * layer to a directory that only this one has.
 */
#ifndef NSBOX_UNPACK_LAYERS_H
#define NSBOX_UNPACK_LAYERS_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

/* The layer that is being unpacked; those below follow, topmost first. */
enum { UPPER };

/* Opens the directory UPPER_PATH, and LOWER_PATH/0, LOWER_PATH/1... as far as they exist. Fails by event_fail(). */
void layers_open(const char *upper_path, const char *lower_path);
int layers_count(void);
/* Gives the root of UPPER what that of the layer below has, as long as no entry says otherwise. */
void layers_make_root(void);

enum layers_type { LAYERS_NOTHING, LAYERS_DIRECTORY, LAYERS_LINK, LAYERS_FILE };
struct layers_found {
	enum layers_type type;
	int layer; /* the topmost one that has it */
	int last; /* of a directory: the lowest layer that adds to it */
	struct stat st;
	char path[PATH_MAX]; /* without links; "" is the root */
};

/*
 * Finds PATH, a clean path. Links in the middle are followed if FOLLOW, else they are an error; a link in the last
 * component is found itself. A name that no layer has is LAYERS_NOTHING if its directory exists. False with errno.
 */
bool layers_find(const char *path, bool follow, struct layers_found *found);

/* Opens the directory PATH of one layer with O_PATH, by a path without links. -1 with errno. */
int layers_directory(int layer, const char *path);

struct layers_parent {
	int fd; /* O_PATH, in UPPER; valid until the next call */
	char path[PATH_MAX]; /* without links */
};

/*
 * Finds the directory PATH, following links, and has it in UPPER: as a copy of the lower layers' one, or a new one if
 * no layer has it. NULL with errno.
 */
const struct layers_parent *layers_parent(const char *path);
/*
 * Must be called when a directory or a link of UPPER was removed: the same path may lead elsewhere now. The latest
 * parent stays open until the next call.
 */
void layers_forget(void);

/*
 * Until the end of the archive, a directory's mode holds a note about it: IMPLIED, it was made without an entry of its
 * own; OPAQUE, nothing of the layers below is seen in it. Its own mode comes with directories_apply().
 */
enum { MODE_DIRECTORY = 0700, MODE_IMPLIED = 01000, MODE_OPAQUE = 04000 };

/* Whether ST is a whiteout: a device with the number 0:0, which no archive can make. */
bool layers_is_whiteout(const struct stat *st);
/* Makes a whiteout for NAME in the directory PARENT. ENTRY is for messages. Fails by event_fail(), as the next ones. */
void layers_make_whiteout(int parent, const char *name, const char *entry);
/* Makes the directory NAME in the directory PARENT opaque. */
void layers_make_opaque(int parent, const char *name, const char *entry);
/*
 * Call it at the end of the archive. An overlay knows an opaque directory by an attribute, which takes file systems
 * that have such attributes, and kernels that let users set it. So each name that the layers below have in an opaque
 * directory gets a whiteout instead.
 */
void layers_resolve_opaque(void);

#endif
