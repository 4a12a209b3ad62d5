/* Paths in /proc/PID/mountinfo, proc_pid_mountinfo(5). */
#ifndef NSBOX_BASE_MOUNT_PATH_H
#define NSBOX_BASE_MOUNT_PATH_H

/* Replaces what stands for space, tab, line feed and backslash, \ooo, by these. */
void mount_path_unescape(char *text);

#endif
