/* Generated from src/plan/steps.ts by scripts/gen.ts; change the table, not this file. */
#ifndef NSBOX_STEPS_H
#define NSBOX_STEPS_H

enum step {
	STEP_ROOTFS,
	STEP_CHANGES,
	STEP_PS,
	STEP_PROFILE,
	STEP_USER,
	STEP_BAKE,
	STEP_EXPLAIN,
	STEP_ENVIRONMENT,
	STEP_SECCOMP,
	STEP_IMAGE,
	STEP_HAND_OVER,
	STEP_START,
	STEP_READ_PLAN,
	STEP_ENTER,
	STEP_ROOT,
	STEP_STATE,
	STEP_MOUNTS,
	STEP_ID_MAPS,
	STEP_DESCRIPTORS,
	STEP_WATCHDOG,
	STEP_CONTROL_GROUP,
	STEP_NAMESPACES,
	STEP_BOX,
	STEP_NETWORK_SETTINGS,
	STEP_NETWORK,
	STEP_TRACE,
	STEP_PROPAGATION,
	STEP_SOURCES,
	STEP_SWITCH_ROOT,
	STEP_HOSTNAME,
	STEP_LOOPBACK,
	STEP_LIMITS,
	STEP_LANDLOCK,
	STEP_PRIVILEGES,
	STEP_HELPERS,
	STEP_GATE,
	STEP_INIT,
	STEP_CWD,
	STEP_EXEC,
	STEP_SUPERVISE,
};

#define HINT_ROOT "nsbox rootfs build DIR PROGRAM... makes one"
#define HINT_ROOT_FILE "an archive, a squashfs or an ISO file is an image: --image FILE"
#define HINT_STATE "it keeps the changes; make it first: mkdir DIR"
#define HINT_NO_FOLLOW "--no-follow refuses a path of the host that has a symbolic link in it: name what the link leads to"
#define HINT_FUSE "it lies on a FUSE mount, which lets in only the user who mounted it, not even root: mount it with allow_other"

#ifdef NSBOX_STEP_WORDS
static const char step_words[] = "rootfs\0changes\0ps\0profile\0user\0bake\0explain\0environment\0seccomp\0image\0hand over\0start\0read plan\0enter\0root\0state\0mounts\0id maps\0descriptors\0watchdog\0control group\0namespaces\0box\0network settings\0network\0trace\0propagation\0sources\0switch root\0hostname\0loopback\0limits\0landlock\0privileges\0helpers\0gate\0init\0cwd\0exec\0supervise\0";
#endif

#endif
