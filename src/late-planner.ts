/** Parts of the planner that a plain start doesn't need. */
export { aptMounts } from './planner/fake-root.ts'
export { hostFileMounts } from './planner/host-files.ts'
export { BoxFiles } from './planner/in-root.ts'
export { mapAuto, mapsAnyId, sameIds } from './planner/many-ids.ts'
export { accountIn, shellIn } from './planner/passwd.ts'
export { maskMount } from './planner/patterns.ts'
export { rootByRules, withRules } from './planner/rules.ts'
export { watchers } from './planner/watch.ts'
