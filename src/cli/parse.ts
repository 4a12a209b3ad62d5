/** From the command line to what is to be done. Throws UsageError, and does nothing else. */
import { printable, UsageError } from '../errors.ts'
import type { Options } from '../plan/options.ts'
import type { RootfsOptions } from '../rootfs/choices.ts'
import { VERBS, walk, type Verb, type Walked } from './argv.ts'
import { apply, type Baking, type Draft } from './effects.ts'
import { nearest } from './nearest.ts'

export type Command =
  /** `planFile` only with run: a path, or "-" for standard input; `argv` is then appended to the plan's. */
  | { verb: 'run' | 'plan' | 'explain'; options: Options; argv: string[]; planFile?: string }
  | { verb: 'bake'; options: Options; argv: string[]; file: string; how: Omit<Baking, 'file'> }
  | { verb: 'enter'; options: Options; argv: string[]; pid: number }
  | { verb: 'rootfs'; args: string[]; how: RootfsOptions }
  | { verb: 'doctor'; args: string[]; json: boolean }
  | { verb: 'help'; topic?: Verb }
  | { verb: 'version' }

/** Words after the program's name. */
export function parse(argv: readonly string[]): Command {
  if (argv.length === 0) throw new UsageError('no command', 'nsbox COMMAND [ARG...] runs one in a box; nsbox help tells more')
  const walked = walk(argv)
  if (walked.asked === 'version') return { verb: 'version' }
  if (walked.asked === 'help') return help(argv[0] === walked.verb ? walked.verb : undefined)
  const { verb, rest } = walked
  if (verb === 'help') return help(topicOf(rest))
  if (verb === 'doctor') return { verb, args: rest, json: drafted(walked).json ?? false }
  if (verb === 'rootfs') return { verb, args: rest, how: drafted(walked).rootfs ?? {} }
  return box(verb, walked)
}

function help(topic: Verb | undefined): Command {
  return topic === undefined ? { verb: 'help' } : { verb: 'help', topic }
}

function topicOf(rest: readonly string[]): Verb | undefined {
  const [word, extra] = rest
  if (extra !== undefined) throw new UsageError(`help: one verb at a time, not also '${printable(extra)}'`)
  if (word === undefined) return undefined
  const verb = VERBS.find((name) => name === word)
  if (verb !== undefined) return verb
  const near = nearest(word, VERBS)
  throw new UsageError(`help: no verb '${printable(word)}'`, near === undefined ? `verbs: ${VERBS.join(' ')}` : `the nearest is ${near}`)
}

function drafted({ verb, given }: Walked): Draft {
  const draft: Draft = { options: {} }
  for (const { option, value } of given) apply(draft, verb, option.name, value)
  return draft
}

function box(verb: 'run' | 'plan' | 'explain' | 'bake' | 'enter', walked: Walked): Command {
  const { given, rest } = walked
  const draft = drafted(walked)
  refuseContradictions(draft.options)
  const { options, planFile } = draft
  if (rest[0] === '') throw new UsageError("command: empty value ''")
  if (verb === 'bake') return bake(draft, rest)
  if (verb === 'enter') return enter(options, rest)
  if (planFile !== undefined) {
    refuseBesidePlan(given)
    return { verb, options, argv: rest, planFile }
  }
  if (rest.length === 0) throw new UsageError(`${verb}: no command`, `nsbox ${verb} [OPTIONS] [--] COMMAND [ARG...]`)
  return { verb, options, argv: rest }
}

function bake({ options, bake: { file, ...how } = {} }: Draft, argv: string[]): Command {
  if (file === undefined) throw new UsageError('bake: no file to write', 'nsbox bake -o FILE [OPTIONS] [--] COMMAND [ARG...]')
  if (argv.length === 0) throw new UsageError('bake: no command', 'nsbox bake -o FILE [OPTIONS] [--] COMMAND [ARG...]')
  return { verb: 'bake', options, argv, file, how }
}

function enter(options: Options, [word, ...argv]: string[]): Command {
  const usage = 'nsbox enter PID [OPTIONS] [--] COMMAND [ARG...]'
  if (word === undefined) throw new UsageError('enter: no process', usage)
  if (!/^[1-9][0-9]{0,6}$/.test(word)) throw new UsageError(`enter: '${printable(word)}' is no number of a process`, usage)
  if (argv.length === 0) throw new UsageError('enter: no command', usage)
  return { verb: 'enter', options, argv, pid: Number(word) }
}

/** A stored plan already says what the box is; beside it, options can only say how to report. */
function refuseBesidePlan(given: Walked['given']): void {
  const extra = given.find(({ option }) => option.group !== 'reporting')
  if (extra === undefined) return
  throw new UsageError(`--plan and --${extra.option.name}: the plan already says what the box is`, 'make a new plan: nsbox plan OPTIONS COMMAND')
}

export function refuseContradictions(o: Options): void {
  if (o.ro && o.overlay) contradict('--ro and --overlay', 'a read-only root has no changes to keep apart')
  if (o.mapRoot && o.user) contradict('--map-root and --user', 'both say who you are in the box; --map-root is user 0')
  if (o.userns && shares(o, 'user')) contradict('--userns and --share user', 'the user namespace is either new or the host\'s')
  if (o.nest && shares(o, 'user')) contradict('--nest and --share user', 'in a container the user namespace is what allows the box to mount')
  if (o.allowUserns && (o.privileged || o.seccomp !== undefined)) contradict(`--allow-userns and ${o.privileged ? '--privileged' : '--seccomp'}`, 'it changes the default filter, which is not there then')
  if (o.net === 'none' && shares(o, 'abstract')) contradict('--net none and --share abstract', 'abstract sockets belong to the network, and the host\'s is not there then')
  if (o.mapRoot && shares(o, 'user')) contradict('--map-root and --share user', 'mapping ids needs a new user namespace')
  if (o.mapAuto && shares(o, 'user')) contradict('--map-auto and --share user', 'mapping ids needs a new user namespace')
  if (o.hostname && shares(o, 'uts')) contradict('--hostname and --share uts', 'the name would become the host\'s')
  if (o.init === false && shares(o, 'pid')) contradict('--no-init and --share pid', 'only a new pid namespace has a process 1')
  if (o.timeout && shares(o, 'pid')) contradict('--timeout and --share pid', 'only a pid namespace of its own ends with all that is in it')
  if (o.verbose && o.quiet) contradict('--verbose and --quiet', 'choose one')
}

function contradict(pair: string, why: string): never {
  throw new UsageError(`${pair}: ${why}`)
}

function shares(options: Options, namespace: NonNullable<Options['share']>[number]): boolean {
  return options.share?.includes(namespace) ?? false
}
