/** The filters of --fake-root, in a file of their own: a start of an image with one id loads nothing else of the planner. */
export { FAKE_ROOT_FILTERS } from './seccomp/fake-root-filters.ts'
