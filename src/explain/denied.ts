/**
 * What was refused in a box, with the rule that decides it. Only calls that a rule explains are listed: programs look
 * for many files that are nowhere, and for an ordinary user much is forbidden without any box.
 */
import { errnoName } from '../host/errno.ts'
import type { HostFacts } from '../host/types.ts'
import { rootDirectories } from '../plan/root.ts'
import type { BoxPlan } from '../plan/types.ts'
import { printable } from '../text/printable.ts'
import { decider, type Decision, type Rule } from './decide.ts'
import { deniedCall } from './denied-calls.ts'
import type { Denied, Found } from './denied-types.ts'
import { deniedConnection, deniedHost } from './denied-network.ts'
import { explaining, SAID, type FileCode } from './explaining.ts'
import { ruleText } from './rule-text.ts'
import type { Refusal, Refusals } from './refusals.ts'
import { wayOut } from './way-out.ts'

export type DeniedList = {
  /** In the order in which they came first. */
  denied: Denied[]
  /** Calls that failed for another reason, such as a file that is nowhere. */
  unexplained: number
}

type Look = HostFacts['look']

/** PLAN: of the box in which the calls were refused. */
export function deniedOf(plan: BoxPlan, { calls, more }: Refusals, look: Look): DeniedList {
  const explain = explainer(plan, look)
  const found = new Map<string, Denied>()
  let unexplained = more
  for (const call of calls) {
    if ('host' in call) {
      count(found, deniedHost(call), 'ENOTFOUND', 1)
      continue
    }
    const explained = explain(call)
    if (explained === 'ordinary') unexplained += call.count
    else if (explained !== undefined) count(found, explained, nameOf(call.errno), call.count)
  }
  return { denied: [...found.values()], unexplained }
}

const nameOf = (errno: number): string => (errno === 0 ? 'SIGSYS' : (errnoName(errno) ?? `error ${errno}`))

function count(all: Map<string, Denied>, { code, ...found }: Found, otherwise: string, times: number): void {
  const denied: Denied = { ...found, code: code ?? otherwise, count: times }
  const key = `${denied.op}\0${denied.subject}\0${denied.code}\0${denied.rule}`
  const known = all.get(key)
  if (known === undefined) all.set(key, denied)
  else known.count += times
}

/** Gives undefined for what isn't worth a word, such as a call that every C library can do without. */
function explainer(plan: BoxPlan, look: Look): (refusal: Refusal) => Found | 'ordinary' | undefined {
  const decide = decider(plan, look)
  return (refusal) => {
    const call = deniedCall(plan, refusal)
    if (call !== undefined) return call === 'skipped' ? undefined : call
    const { path, to, address, abstract, op } = refusal
    if (address !== undefined || abstract !== undefined) {
      const connection = deniedConnection(plan, refusal)
      return connection === 'reported' ? undefined : (connection ?? 'ordinary')
    }
    if (path === undefined) return 'ordinary'
    const attempts: [Found['op'], string][] = [[op, path]]
    if (to !== undefined) attempts.push([op === 'rename' ? 'rename' : 'create', to])
    for (const [tried, at] of attempts) {
      const file = deniedFile(plan, decide, refusal, tried, at, look)
      if (file !== undefined) return file
    }
    return 'ordinary'
  }
}

const FILE_CODES: readonly string[] = ['EROFS', 'EACCES', 'ENOENT', 'EBUSY']

function deniedFile(
  plan: BoxPlan,
  decide: (path: string) => Decision,
  { errno, op: first }: Refusal,
  op: Found['op'],
  path: string,
  look: Look,
): Found | undefined {
  const code = errnoName(errno) ?? ''
  if (first === 'connect') return deniedSocket(plan, decide(path), look)
  if (!FILE_CODES.includes(code)) return undefined
  // What isn't there without a box either is no rule's doing; such searches are by far the most.
  if (code === 'ENOENT' && !isThere(plan, path, look)) return undefined
  const decision = decide(path)
  const rule = explaining(code as FileCode, decision, plan, look)
  if (rule === undefined) return undefined
  const tried = op === 'create' && decision.finds !== 'nothing' && first === 'create' ? 'write' : op
  return found(tried, decision.path, rule, SAID[code as FileCode], wayOut(rule, tried, decision, plan))
}

function found(op: Found['op'], subject: string, rule: Rule, said: string, allow: string | undefined): Found {
  const words = ruleText(rule)
  const result: Found = {
    op,
    subject,
    rule: words,
    text: `${printable(subject)} ${said}: ${printable(words)}.`,
  }
  if (allow !== undefined) result.allow = allow
  return result
}

/** Whether the host, or the directory that is the root, has something at the path. */
function isThere({ root }: BoxPlan, path: string, look: Look): boolean {
  return rootDirectories(root).some(
    (directory) => typeof look(directory === '/' ? path : directory + path, false) === 'string',
  )
}

/** A hidden socket refuses a connection as one does that nobody serves; or nothing is there. */
function deniedSocket(plan: BoxPlan, decision: Decision, look: Look): Found | undefined {
  const { path, finds, shownBy } = decision
  const isGone = finds === 'nothing' && shownBy.type === 'mount' && isThere(plan, path, look)
  if (finds !== 'hidden' && !isGone) return undefined
  return found('connect', path, shownBy, SAID.EACCES, `--allow-socket ${path}`)
}
