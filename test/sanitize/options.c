/*
 * The sanitizers' options. They are in the program, since the command of a box would see them in the environment.
 *
 * detect_leaks=0: the sidecar doesn't free its memory, since it ends by execve; and the leak detector stops the process
 * by ptrace(2), which a process that isn't dumpable refuses. disable_coredump=0: otherwise the sanitizers change the
 * limit on core files, for the command too. allocator_may_return_null=1: malloc(3) fails without memory, so that our
 * own message is tested. detect_stack_use_after_return=1: after vfork(2) the child works on the parent's memory, and on
 * its stack. exitcode=86: a status that nsbox never has. quarantine_size_mb, malloc_context_size: smaller than the
 * defaults, since the suite starts thousands of boxes.
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
 * The sanitizers call this before each function that doesn't return, to unmark the stack that it leaves. Our functions
 * of that kind end the process, so no stack is used again. The sanitizer's own version would print a warning on the
 * command's separate stack, since it knows only one stack.
 */
void __asan_handle_no_return(void);
void __asan_handle_no_return(void) {}
