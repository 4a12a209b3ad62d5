/*
 * What the sanitizers are told, in the program and not in the environment, which the command of a box would see:
 *
 * detect_leaks=0: the sidecar gives nothing back on purpose, since it ends by execve; and the leak detector would stop the
 * process by ptrace(2), which a process that isn't dumpable refuses.
 * disable_coredump=0: else the limit on core files would be changed, for the command too.
 * allocator_may_return_null=1: where there is no memory, malloc(3) says so, and our message is what is tested.
 * detect_stack_use_after_return=1: after vfork(2) the child works on the parent's memory, and on its stack.
 * exitcode=86: no status of ours.
 * quarantine_size_mb, malloc_context_size: smaller than by default, since the suite starts thousands of boxes.
 */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *__asan_default_options(void)
{
	return "detect_leaks=0:disable_coredump=0:allocator_may_return_null=1:detect_stack_use_after_return=1:strict_string_checks=1:"
		"exitcode=86:quarantine_size_mb=4:malloc_context_size=8";
}

const char *__ubsan_default_options(void) { return "print_stacktrace=1"; }

/*
 * Called before each function that does not return, to forget what is marked on the stack that is left by it. None of ours
 * leaves one to be used again: they end the process. On the stack of its own that the command starts on, the sanitizer's
 * would print a warning, for it knows of one stack only.
 */
void __asan_handle_no_return(void);
void __asan_handle_no_return(void) {}
