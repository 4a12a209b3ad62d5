/** Parts of the planner that only boxes with a root of their own need. */
export { hostFileMounts } from './planner/host-files.ts'
