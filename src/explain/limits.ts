/** What a box could do, in one sentence: for whoever reads why a command failed. */
import type { BoxPlan } from '../plan/types.ts'
import { quote } from '../text/quote.ts'
import { allowedHosts, reachesAll } from './network.ts'
import { sizeWords } from './step.ts'
import { mountNodes } from './tree.ts'

/** More paths than that are counted. */
const MOST_NAMED = 4

export function limitsOf(plan: BoxPlan): string {
  const { cgroup, supervision } = plan
  const parts = [
    ...fileLimits(plan),
    networkLimit(plan),
    ...(cgroup?.memory === undefined ? [] : [`${sizeWords(cgroup.memory)} of memory`]),
    ...(cgroup?.cpuQuota === undefined ? [] : [`${cgroup.cpuQuota / (cgroup.cpuPeriod ?? 100000)} processors`]),
    ...(cgroup?.pids === undefined ? [] : [`${cgroup.pids - (supervision?.init ? 1 : 0)} processes`]),
    ...(supervision?.timeout === undefined ? [] : [`${supervision.timeout / 1000} s`]),
  ]
  return `The box had: ${parts.join('; ')}.`
}

function networkLimit(plan: BoxPlan): string {
  if (!plan.namespaces.includes('net')) return "the host's network"
  if (reachesAll(plan)) return "the host's network, without its loopback"
  const hosts = allowedHosts(plan)
  if (hosts.length === 0) return 'no network'
  return `network: only ${hosts.slice(0, MOST_NAMED).join(' ')}${hosts.length > MOST_NAMED ? ` and ${hosts.length - MOST_NAMED} more` : ''}`
}

function fileLimits(plan: BoxPlan): string[] {
  const nodes = mountNodes(plan).filter(({ path }) => path !== '/' && !OF_THE_SYSTEM.test(path))
  const named = (kind: string, paths: readonly string[]): string =>
    paths.length > MOST_NAMED ? `${paths.length} ${kind} paths` : paths.map(quote).join(' ')
  const pathsOf = (wanted: (node: (typeof nodes)[number]) => boolean): string[] =>
    nodes.filter(wanted).map(({ path }) => path)
  const hidden = pathsOf(({ note }) => note === 'hidden')
  const readOnly = pathsOf(({ kind }) => kind === 'host, read-only')
  const writable = pathsOf(({ kind, note }) => kind === 'host' || (kind === 'box' && /^(?:tmpfs$|overlay)/.test(note)))
  const parts: string[] = []
  const { options } = plan.root
  if (options?.includes('ro'))
    parts.push(`files read-only${writable.length === 0 ? '' : ` but for ${named('writable', writable)}`}`)
  else if (readOnly.length > 0) parts.push(`files writable but for ${named('read-only', readOnly)}`)
  else parts.push(plan.root.type === 'directory' ? 'files writable' : 'a root whose changes are its own')
  if (options?.includes('ro') && readOnly.length > 0) parts.push(`read-only in these: ${named('read-only', readOnly)}`)
  if (hidden.length > 0) parts.push(`hidden: ${named('hidden', hidden)}`)
  return parts
}

const OF_THE_SYSTEM = /^\/(?:proc|sys|dev)(?:\/|$)/
