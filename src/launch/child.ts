/**
 * Starts the box as a child, for the package's command line under Node: this process waits and ends as the box does. In
 * the package this file takes the place of replace.ts (package.json, imports), since Node before 22.15 can't become
 * another program.
 */
import { hostOfProgram } from '../host/node.ts'
import type { Plan } from '../plan/types.ts'
import { waitForBox } from './wait-for-box.ts'

/** Has the type of replace.ts, so that the two files can't drift apart. */
export const hostOfCommand: typeof import('./replace.ts').hostOfCommand = hostOfProgram

/** Here nobody could verify the notes without node:fs, which is loaded anyway. */
export const notesStarts: typeof import('./replace.ts').notesStarts = false

/** Exit status of the box. */
export const becomeBox = (plan: Plan): Promise<number> => waitForBox(plan, plan.supervision?.statusFd ?? -1)
