/* What the sidecar and nsbox-hide have to agree on. */
#ifndef NSBOX_BASE_HIDE_REPORT_H
#define NSBOX_BASE_HIDE_REPORT_H

/* A failure: errno or 0, what failed, a hint and a path; the last two may be empty. Nothing is reported otherwise. */
struct hide_report {
	int number;
	char what[64], hint[192], path[4096];
};

/*
 * The first word of nsbox-hide: the descriptors of the directory, of what covers files, and directories, of the report,
 * and of the host's /proc/net/unix, or -1.
 */
#define HIDE_DESCRIPTORS "%d %d %d %d %d"

/*
 * Names of what covers others, in the top directory of a tmpfs of the box's own: files, directories, files that can't
 * be opened then, and sockets.
 */
#define COVER_NAMES \
	{ \
		"empty-file", "empty-directory", "closed-file", "closed-socket" \
	}

#endif
