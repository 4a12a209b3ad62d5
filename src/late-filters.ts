/** Filters of system calls that were not compiled when nsbox was built. */
export { compiledDefault, profileFilter } from './seccomp/compiled.ts'
