import { judge, type Call } from '../../src/seccomp/judge.ts'

export const evaluate = (program: Uint8Array, call: Call): number => judge(program, call).verdict

/** The verdict, and how many instructions lead to it. */
export const trace = judge
