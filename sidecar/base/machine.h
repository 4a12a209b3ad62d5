/* This machine, as a filter of system calls names it: seccomp(2). */
#ifndef NSBOX_BASE_MACHINE_H
#define NSBOX_BASE_MACHINE_H

#include <linux/audit.h>

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE AUDIT_ARCH_AARCH64
#else
#error "no system calls of this machine are known here"
#endif

#endif
