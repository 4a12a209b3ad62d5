/** Connections and look-ups that the network of a box refuses. */
import { errnoName } from '../host/errno.ts'
import type { BoxPlan } from '../plan/types.ts'
import type { Found } from './denied-types.ts'
import { allowedHosts } from './network.ts'
import type { Refusal, RefusedHost } from './refusals.ts'

const LOOPBACK = /^(?:127\.|::1$|::ffff:127\.|0\.0\.0\.0$|::$)/
/** Addresses that stand for names: sidecar/net/veth.h. */
const OF_NAMES = /^198\.19\.(\d+)\.(\d+)$|^fd6e:7362:6f78:1:/
/** sidecar/net/names.c */
const LAST_BYTES = 250

/**
 * `undefined`: no rule of the box is the cause. 'reported': the program of the network reports the same with the name
 * that was meant.
 */
export function deniedConnection(plan: BoxPlan, refusal: Refusal): Found | 'reported' | undefined {
  const { address, port, abstract, op, errno } = refusal
  if (abstract !== undefined) return deniedAbstract(plan, abstract, errno)
  if (address === undefined || !plan.namespaces.includes('net')) return undefined
  const place = `${address.includes(':') ? `[${address}]` : address}:${port ?? 0}`
  const hosts = allowedHosts(plan)
  if (hosts.length === 0 && isConnected(plan)) return undefined
  const tried = op === 'bind' || op === 'send' ? op : 'connect'
  const named = hosts.length > 0 ? OF_NAMES.exec(address) : null
  if (named !== null) return deniedPort(hosts, named, place, port ?? 0)
  const rule = hosts.length > 0 ? '--allow-host' : '--net none'
  if (LOOPBACK.test(address))
    return {
      op: tried,
      subject: place,
      rule,
      allow: '--net host',
      text: `${place} is the box's own, and nothing of the host's listens there: ${rule}.`,
    }
  const allow = tried === 'bind' ? '--net host' : `--allow-host ${place}`
  const said = tried === 'bind' ? 'is no address of the box' : "can't be reached from the box"
  return { op: tried, subject: place, rule, allow, text: `${place} ${said}: ${rule}.` }
}

/** The program of the network makes another way out than one by names: what is refused there is refused outside. */
const isConnected = ({ helpers = [] }: BoxPlan): boolean =>
  helpers.some(({ part, argv }) => part === 'net' && !argv.includes('--publish'))

/** The kernel itself refuses ports that no name is allowed with; all others reach the program of the network. */
function deniedPort(hosts: readonly string[], [, third, fourth]: RegExpExecArray, place: string, port: number) {
  if (hosts.some((host) => host.endsWith(`:${port}`))) return 'reported'
  const names = [...new Set(hosts.map((host) => host.slice(0, host.lastIndexOf(':'))).filter(isName))]
  // Names of rules have their addresses in the rules' order, before those that the box asks for.
  const name = third === undefined ? undefined : names[Number(third) * LAST_BYTES + Number(fourth) - 1]
  const subject = name === undefined ? place : `${name}:${port}`
  return refused(subject, NO_PORT, `--allow-host ${name ?? 'NAME'}:${port}`)
}

const isName = (host: string): boolean => !/^\*|^\[|^[\d.]+$/.test(host)
const NO_PORT = "--allow-host doesn't name this port"

/** Landlock answers EPERM; what nobody listens on is refused in every network. */
function deniedAbstract({ process }: BoxPlan, name: string, errno: number): Found | undefined {
  if (errnoName(errno) !== 'EPERM' || process.landlock?.includes('abstract') !== true) return undefined
  const subject = `@${name}`
  const rule = "the host's abstract sockets are out of reach"
  return { op: 'connect', subject, rule, allow: '--share abstract', text: `${subject} can't be reached: ${rule}.` }
}

/** By the reason that nsbox-net gives: sidecar/net/event.h. */
export function deniedHost({ host, port, reason }: RefusedHost): Found {
  const place = port === undefined ? host : `${host}:${port}`
  const option = `--allow-host ${port === undefined || port === 443 ? host : place}`
  switch (reason) {
    case 'address':
      return refused(place, 'its address is a private one', '--allow-private')
    case 'sni':
      return refused(
        place,
        'the connection did not begin with a TLS hello for that name: --check-sni',
        'leave out --check-sni',
      )
    case 'port':
      return refused(place, NO_PORT, option)
    default:
      return {
        op: 'resolve',
        subject: host,
        rule: '--allow-host',
        allow: option,
        text: `${host} isn't among the hosts that the box may connect to: ${option} allows it.`,
      }
  }
}

const refused = (subject: string, rule: string, allow: string): Found => ({
  op: 'connect',
  subject,
  code: 'ECONNREFUSED',
  rule,
  allow,
  text: `${subject} can't be reached from the box: ${rule}.`,
})
