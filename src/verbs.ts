/** What nsbox does but start a box, and what it says when something is wrong. */
import { readFileSync, writeSync } from 'node:fs'
import type { Command } from './cli/parse.ts'
import type { Options } from './plan/options.ts'
import { printable, UsageError, type SandboxError } from './errors.ts'
import { systemFailure } from './host/errno.ts'
import { codeOf, hostPath, thisHost, type HostFacts } from './host/facts.ts'
import { programPath } from './launch/embedded.ts'
import { becomeBox, hostOfCommand } from './launch/exec.ts' // in the package child.ts, see scripts/package.ts
import { fromBytes } from './plan/bytes.ts'
import { buildPlan, reporting } from './plan/build.ts'
import { coveredMounts, coveredText, optionOf } from './plan/covered.ts'
import type { PlanError } from './plan/error.ts'
import type { Plan } from './plan/types.ts'
import { isOurs } from './policy/seccomp.ts'

const STATUS_USAGE = 2
const STATUS_FAILED = 125

/** The last COUNT words of the command line. Those that are not UTF-8 were spoiled by the runtime; the kernel has them whole. */
export function wholeWords(count: number): string[] {
  const all = fromBytes(readFileSync('/proc/self/cmdline')).split('\0').slice(0, -1)
  return all.slice(all.length - count)
}

/** Each verb's modules are loaded where they are used. */
export function carryOut(command: Command): number | Promise<number> {
  switch (command.verb) {
    case 'run': {
      const plan = planOf(command, hostOfCommand())
      warn(command.options, plan)
      return becomeBox(plan)
    }
    case 'plan': {
      const { formatPlan } = require('./plan/encode.ts') as typeof import('./plan/encode.ts')
      const plan = planOf(command, thisHost())
      if (command.planFile === undefined) warnOfCovered(command.options, plan)
      return print(formatPlan(plan))
    }
    case 'explain': {
      const { explain } = require('./cli/explain.ts') as typeof import('./cli/explain.ts')
      return print(`${explain(buildPlan(command.options, command.argv, thisHost()), { uid: process.getuid?.() ?? 0, look: thisHost().look })}\n`)
    }
    case 'enter': return becomeBox(enteringPlan(command))
    case 'bake': {
      const { bake } = require('./launch/bake.ts') as typeof import('./launch/bake.ts')
      announceNest(command.options)
      const plan = bake(command.file, command.options, command.argv, thisHost(), command.how)
      warnOfCovered(command.options, plan)
      return 0
    }
    case 'rootfs': {
      const { rootfsCommand } = require('./rootfs/build.ts') as typeof import('./rootfs/build.ts')
      rootfsCommand(command.args, command.how, line)
      return 0
    }
    case 'doctor': return doctor(command.args, command.json)
    case 'help': {
      const { helpText } = require('./cli/help.ts') as typeof import('./cli/help.ts')
      return print(helpText(command.topic))
    }
    case 'version': {
      const { VERSION } = require('./version.ts') as typeof import('./version.ts')
      const { CONTRACT } = require('./plan/schema.ts') as typeof import('./plan/schema.ts')
      return print(`nsbox ${VERSION} (contract ${CONTRACT})\n`)
    }
  }
}

function doctor(args: readonly string[], json: boolean): number {
  if (args[0] !== undefined) throw new UsageError(`doctor: takes no argument, but has '${printable(args[0])}'`)
  const module = require('./host/doctor.ts') as typeof import('./host/doctor.ts')
  return module.doctor(line, { ...module.thisHost(), exe: programPath() }, json)
}

function planOf({ options, argv, planFile }: Extract<Command, { verb: 'run' | 'plan' | 'explain' }>, host: HostFacts): Plan {
  if (planFile === undefined) return buildPlan(options, argv, host)
  const { parsePlan } = require('./plan/parse.ts') as typeof import('./plan/parse.ts')
  const plan = parsePlan(planText(planFile))
  const { signals } = host.changed()
  return {
    ...plan,
    process: { ...plan.process, argv: [...plan.process.argv, ...argv], ...(signals.length > 0 && { resetSignals: signals }) },
    supervision: { ...plan.supervision, ...reporting(options) },
  }
}

function enteringPlan({ pid, options, argv }: Extract<Command, { verb: 'enter' }>): Plan {
  const { findBox } = require('./launch/running.ts') as typeof import('./launch/running.ts')
  const { enterPlan } = require('./plan/enter.ts') as typeof import('./plan/enter.ts')
  const { isatty } = require('node:tty') as typeof import('node:tty')
  const { plan, entry } = findBox(pid)
  return enterPlan(plan, entry, options, argv, hostOfCommand(), isatty(0))
}

function planText(file: string): Uint8Array {
  try {
    return readFileSync(file === '-' ? 0 : hostPath(file))
  } catch (error) {
    throw systemFailure({ step: 'read plan', what: 'open', path: file, code: codeOf(error) })
  }
}

/** Warns of what a box without the default filter can't stop, and of mounts that have no effect. */
export function warn(options: Options, plan: Plan): void {
  const { privileged, quiet } = options
  if (quiet) return
  announceNest(options)
  warnOfCovered(options, plan)
  if (privileged) print('nsbox: warning: --privileged: nothing protects the host from the command but its namespaces\n', 2)
  if (!isOurs(plan.process.seccomp?.from)) warnOfTerminal(plan)
}

/** Never in silence: such a box shows more than others. */
function announceNest({ nest, quiet }: Pick<Options, 'nest' | 'quiet'>): void {
  if (nest && !quiet) print('nsbox: warning: --nest: a user namespace, and in place of a /proc of the box\'s own the one here, read-only, with all processes around the box\n', 2)
}

function warnOfCovered({ quiet }: Options, { mounts = [] }: Plan): void {
  if (quiet) return
  for (const covered of coveredMounts(mounts)) {
    const way = covered.mount.target === covered.by.target ? 'leave one of the two out' : `name it after --${optionOf(covered.by)} ${printable(covered.by.target)}: mounts lie on each other in the order given`
    print(`nsbox: warning: ${coveredText(covered)}\nhint: ${way}\n`, 2)
  }
}

/** The default filter refuses to put what a box pleases into the input of the terminal, from where a shell would read it. */
function warnOfTerminal({ process: { newSession, seccomp } }: Plan): void {
  const { isatty } = require('node:tty') as typeof import('node:tty')
  const setting = thisHost().read('/proc/sys/dev/tty/legacy_tiocsti')
  // From Linux 6.2 on the kernel itself may refuse it.
  if (newSession || !isatty(0) || ('text' in setting && setting.text.trim() === '0')) return
  const unless = seccomp === undefined ? '' : ' unless the profile refuses TIOCSTI,'
  print(`nsbox: warning: --seccomp:${unless} the command can type into this terminal, as if you had\nhint: --new-session keeps it from that\n`, 2)
}

function line(text: string): void {
  print(`${printable(text)}\n`)
}

/** All of it, also into a pipe that is read slowly; a reader that has gone away is no error. */
function print(text: string, fd = 1): 0 {
  const bytes = Buffer.from(text)
  for (let done = 0; done < bytes.length;) {
    try {
      done += writeSync(fd, bytes, done)
    } catch (error) {
      if (codeOf(error) === 'EPIPE') process.exit(0)
      if (codeOf(error) !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    }
  }
  return 0
}

function complain(message: string, hint: string | undefined): void {
  print(`nsbox: ${message}\n${hint === undefined ? '' : `hint: ${hint}\n`}`, 2)
}

/** By their names: what starts a box is another program, with classes of its own. */
export function statusOf(error: unknown): number {
  if (isA<UsageError>(error, 'UsageError')) {
    complain(error.message, error.hint)
    return STATUS_USAGE
  }
  if (isA<SandboxError>(error, 'SandboxError')) {
    complain(error.message, error.hint)
    return error.status
  }
  if (isA<PlanError>(error, 'PlanError')) {
    const { pointer } = error
    complain(`read plan: ${error.message}${pointer === '' ? '' : `: ${printable(pointer)}`}`, undefined)
    return STATUS_FAILED
  }
  complain(`internal error: ${printable(error instanceof Error ? `${error.name}: ${error.message}` : String(error))}`, undefined)
  return STATUS_FAILED
}

function isA<E extends Error>(error: unknown, name: E['name']): error is E {
  return error instanceof Error && error.name === name
}
