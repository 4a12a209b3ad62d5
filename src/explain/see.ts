/** What shows a step to somebody in a shell, fitted to what the box has: a root may have no /proc and no cat. */
import { latePlanner } from '../lazy.ts'
import type { BoxPlan } from '../plan/types.ts'
import type { BoxFiles } from '../planner/in-root.ts'

/** `run`: a command in a shell in the box, with a file of /proc or a program; `note`: what it prints; `page`: of the manual. */
export type See = { run?: string; note?: string; page: string }

/** The same after a look into the box: `run` is undefined where the box has nothing that could show it. */
export type Shown = { run?: string; where: 'inside' | 'outside'; note?: string; page: string }

/** What the box has: `shell`, without which nobody can type in it. */
type Has = { proc: boolean; shell: boolean; program(name: string): boolean }

const EVERYTHING: Has = { proc: true, shell: true, program: () => true }
const DIRECTORIES = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin']
const SHELLS = ['bash', 'sh', 'dash', 'zsh', 'busybox']

/** Only what makes a plan is recorded. */
const UNRECORDED = { opensFiles: () => {} }

/** What to show of each step. `look`: whether the box's files may be read for it; if not, it is taken to have all. */
export function shownIn(plan: BoxPlan, look: boolean, steps: readonly { see?: See }[]): readonly (Shown | undefined)[] {
  const show = (has: Has) => steps.map(({ see }) => (see === undefined ? undefined : shown(see, has)))
  if (!look) return show(EVERYTHING)
  try {
    return latePlanner().BoxFiles.with(plan.root, plan.mounts ?? [], UNRECORDED, (files) => show(inBox(plan, files)))
  } catch {
    // A root that can't be read is explained all the same.
    return show(EVERYTHING)
  }
}

function inBox({ mounts = [] }: BoxPlan, files: BoxFiles): Has {
  const program = (name: string) => DIRECTORIES.some((directory) => files.isExecutable(`${directory}/${name}`))
  return {
    proc: mounts.some(
      (mount) =>
        mount.target === '/proc' && (mount.type === 'proc' || (mount.type === 'bind' && mount.source === '/proc')),
    ),
    shell: SHELLS.some(program),
    program,
  }
}

function shown({ run, ...about }: See, has: Has): Shown {
  if (run === undefined) return { where: 'inside', ...about }
  const [program = ''] = run.split(' ')
  const readsProc = run.includes('/proc')
  if (has.shell && (!readsProc || has.proc)) {
    if (has.program(program)) return { run, where: 'inside', ...about }
    // Every shell expands patterns by itself.
    if (program === 'ls' && run.includes('*'))
      return { run: run.replace(/^ls( -\w+)?/, 'echo'), where: 'inside', ...about }
    if (run === 'ls -l /dev') return { run: 'echo /dev/*', where: 'inside', ...about }
  }
  // The host's /proc has the box's processes too, and its programs.
  const outside = run.replace(/\/proc\/(?:self|1)\//, '/proc/PID/')
  return outside === run ? { where: 'inside', ...about } : { run: outside, where: 'outside', ...about }
}

export function shownText({ run, where, note, page }: Shown): string {
  const place = where === 'outside' ? 'outside, ' : ''
  return [...(run === undefined ? [] : [`${place}${run}${note === undefined ? '' : `: ${note}`}`]), page].join('; ')
}
