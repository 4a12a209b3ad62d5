/**
 * Which rule of a box explains what a command complains of on its standard error. A hint is only given where the rule
 * alone explains the message: not for a file that isn't there at all, nor for one whose own mode forbids something.
 */
import type { HostFacts } from '../host/types.ts'
import { cleanPath } from '../plan/box-path.ts'
import type { BoxPlan } from '../plan/types.ts'
import { printable } from '../text/printable.ts'
import { decide } from './decide.ts'
import { explaining, SAID, type FileCode } from './explaining.ts'
import { fateOf32Bit } from './filter-kills.ts'
import { allowedHosts, reachesAll } from './network.ts'
import { ruleText } from './rule-text.ts'

export interface Hint {
  /** What was refused: a path of the box, or the name of a host; for SIGSYS the command. */
  subject: string
  /**
   * The error that the command met; ENETWORK stands for all that a missing network leads to. SIGSYS: the filter of
   * system calls has ended it.
   */
  code: 'EROFS' | 'EACCES' | 'ENOENT' | 'EBUSY' | 'ENETWORK' | 'SIGSYS'
  /**
   * The rule, by the words of the command line, such as `--ro-bind /src/.git/hooks`; for a host that isn't allowed the
   * option that allows it, `--allow-host NAME`.
   */
  rule: string
  /** All of it in one sentence. */
  text: string
}

/** The end of a long output tells why the command failed. In characters. */
const MAX_TEXT = 1 << 16
const MAX_HINTS = 20

/**
 * `cwd`: the directory of the box that relative paths start from. `bySignal`: SIGSYS has ended the command, or, as its
 * status says, a program of it.
 */
export function hintsOf(plan: BoxPlan, stderr: string, cwd: string, look: HostFacts['look'], bySignal = false): Hint[] {
  const hints = new Map<string, Hint>()
  const ended = bySignal ? ofFilter(plan) : undefined
  if (ended !== undefined) hints.set(ended.code, ended)
  for (const line of stderr.slice(-MAX_TEXT).split('\n')) {
    const hint = ofFiles(plan, line, cwd, look) ?? ofNetwork(plan, line)
    if (hint !== undefined) hints.set(`${hint.code}\0${hint.subject}`, hint)
    if (hints.size === MAX_HINTS) break
  }
  return [...hints.values()]
}

/** A box without a filter has other reasons for SIGSYS. */
function ofFilter({ process: { seccomp, argv } }: BoxPlan): Hint | undefined {
  if (seccomp === undefined) return undefined
  const [subject = ''] = argv
  const rule = `--seccomp ${seccomp.from}`
  const old = fateOf32Bit(seccomp) === 'ends' ? ', which ends every 32-bit program' : ''
  return {
    subject,
    code: 'SIGSYS',
    rule,
    text: `${printable(subject)} was ended by the filter of system calls (SIGSYS): ${printable(rule)}${old}; --seccomp none runs without it.`,
  }
}

const FILE_ERRORS: readonly [FileCode, RegExp][] = [
  ['EROFS', /\bread-only file ?system\b|\bEROFS\b/i],
  ['EACCES', /\bpermission denied\b|\bEACCES\b/i],
  ['ENOENT', /\bno such file or directory\b|\bENOENT\b|\bdoes not exist\b/i],
  ['EBUSY', /\bdevice or resource busy\b|\bEBUSY\b/i],
]

function ofFiles(plan: BoxPlan, line: string, cwd: string, look: HostFacts['look']): Hint | undefined {
  const [code, error] = FILE_ERRORS.find(([, text]) => text.test(line)) ?? []
  if (code === undefined || error === undefined) return undefined
  for (const candidate of pathsIn(line, error)) {
    const path = candidate.startsWith('/') ? candidate : cleanPath(`${cwd}/${candidate}`)
    const decision = decide(plan, path, look)
    const rule = explaining(code, decision, plan, look)
    if (rule === undefined) continue
    const words = ruleText(rule)
    return { subject: path, code, rule: words, text: `${printable(path)} ${SAID[code]}: ${printable(words)}.` }
  }
  return undefined
}

/**
 * What may be a path in a message, the likeliest first: what stands in quotes, then the last word of each part before
 * the error. The first part is mostly the program's name, so a word there has to look like a path.
 */
function pathsIn(line: string, error: RegExp): string[] {
  const quoted = [...line.matchAll(/'([^']+)'|"([^"]+)"|‘([^’]+)’|`([^`']+)[`']/g)].map(
    ([, a, b, c, d]) => a ?? b ?? c ?? d ?? '',
  )
  const words: string[] = []
  for (const [n, part] of line.split(/: |, /).entries()) {
    const word = part.trim().split(/\s+/).at(-1) ?? ''
    if (!error.test(part) && (n > 0 || word.includes('/'))) words.unshift(word)
  }
  const isPath = (word: string): boolean =>
    word !== '' && word.length < 4096 && !word.includes('\0') && !/^\d+$|[()[\]{}<>|]/.test(word)
  return [...new Set([...quoted, ...words])].filter(isPath)
}

/** Messages of resolvers and clients; a name in the first group. */
const NETWORK_ERRORS: readonly RegExp[] = [
  /could not resolve host(?:name)?:? ['"‘]?([\w.-]+)/i,
  /getaddrinfo (?:ENOTFOUND|EAI_AGAIN) ([\w.-]+)/,
  /unable to resolve host address ['"‘]([\w.-]+)/i,
  /lookup ([\w.-]+)(?: on \S+)?: /,
  /failed to resolve ['"]([\w.-]+)['"]/i,
  /could not translate host name "([\w.-]+)"/i,
  /connect ECONNREFUSED ([\w.:[\]]+)/,
  /failed to connect to ([\w.-]+) port/i,
  /temporary failure in name resolution|name or service not known|network is unreachable|\bENETUNREACH\b/i,
]

function ofNetwork(plan: BoxPlan, line: string): Hint | undefined {
  if (!plan.namespaces.includes('net')) return undefined
  for (const error of NETWORK_ERRORS) {
    const found = error.exec(line)
    if (found === null) continue
    const allowed = allowedHosts(plan)
    if (allowed.length > 0) return ofHosts(allowed, found[1], /port:? (\d+)/i.exec(line)?.[1])
    const subject = found[1] ?? 'the network'
    if (reachesAll(plan))
      return IS_OWN.test(subject)
        ? { subject, code: 'ENETWORK', rule: '--net user', text: ownText(subject, '--net user') }
        : undefined
    return {
      subject,
      code: 'ENETWORK',
      rule: '--net none',
      text: IS_OWN.test(subject)
        ? ownText(subject, '--net none')
        : `${subject} can't be reached from the box: --net none.`,
    }
  }
  return undefined
}

const ownText = (subject: string, rule: string): string =>
  `${subject} is the box's own, and nothing of the host's listens there: ${rule}.`

const IS_OWN = /^(?:localhost|127\.|\[?::1)/

/** `host`: what a message names, perhaps with a port; what is allowed has faults of its own. */
function ofHosts(allowed: readonly string[], host: string | undefined, port: string | undefined): Hint | undefined {
  if (host === undefined) return undefined
  const [, name = '', behind] = /^\[?([\w.-]+|[\da-f:.]+?)\]?(?::(\d+))?$/i.exec(host) ?? []
  if (name === '' || isOfResolver(name)) return undefined
  const rule = `--allow-host ${(behind ?? port ?? '443') === '443' ? name : `${name}:${behind ?? port}`}`
  if (IS_OWN.test(name))
    return {
      subject: host,
      code: 'ENETWORK',
      rule: '--allow-host',
      text: `${host} is the box's own, and nothing of the host's listens there: --allow-host takes another name for this machine, with --allow-private.`,
    }
  const ports = allowed.filter((one) => allows(one, name)).map((one) => one.slice(one.lastIndexOf(':') + 1))
  const wanted = behind ?? port
  if (ports.length > 0 && (wanted === undefined || ports.includes(wanted))) return undefined
  return {
    subject: host,
    code: 'ENETWORK',
    rule,
    text: `${host} isn't among the hosts that the box may connect to: ${rule} allows it.`,
  }
}

/** Each address that the box's resolver gives stands for a name that is allowed. */
const isOfResolver = (name: string): boolean => /^198\.1[89]\./.test(name)

function allows(rule: string, name: string): boolean {
  const host = rule.slice(0, rule.lastIndexOf(':')).replace(/^\[|\]$/g, '')
  const lower = name.toLowerCase().replace(/\.$/, '')
  return host === lower || (host.startsWith('*.') && lower.endsWith(host.slice(1)))
}
