/**
 * Reads what a box may connect to, and what of it others may. The program nsbox-net reads the same again, by the same
 * rules: sidecar/net/rule.c.
 */
import type { UsageError } from '../errors.ts'
import { quote, wrong } from './values.ts'

/** The port of a host that is named without one: that of https. */
const DEFAULT_PORT = '443'
const MAX_PORT = 65535

/** NAME[:PORT] in the one form that a plan has: NAME:PORT. Throws UsageError. */
export function allowedHost(value: string): string {
  const refused = (what: string, hint?: string): UsageError => wrong('allow-host', `${quote(value)} ${what}`, hint)
  if (value.includes('://') || value.includes('/')) throw refused('is an address of a page', onlyName(value))
  if (value.includes('@')) throw refused('has a user', onlyName(value))
  const { host, port } = divided(value)
  if (/[, ]/.test(value)) throw refused('is more than one host', eachHost(value))
  if (port !== undefined && !isPort(port))
    throw refused(
      `must have a port from 1 to ${MAX_PORT}`,
      `a number, or none, which is ${DEFAULT_PORT}: --allow-host ${host}`,
    )
  const fault = faultOf(host)
  if (fault !== undefined) throw refused(fault.what, fault.hint)
  return `${written(host)}:${port ?? DEFAULT_PORT}`
}

function onlyName(value: string): string | undefined {
  const [, scheme, host = '', port] =
    /^(?:([a-z][a-z0-9+.-]*):\/\/)?(?:[^/@]*@)?([^/:@]+)(?::(\d+))?(?:\/.*)?$/i.exec(value) ?? []
  const known: Readonly<Record<string, string>> = { http: '80', ssh: '22', 'git+ssh': '22', ftp: '21' }
  const number = port ?? known[scheme?.toLowerCase() ?? '']
  return faultOf(host) === undefined ? `--allow-host ${host}${number === undefined ? '' : `:${number}`}` : undefined
}

/** The option once for each name of a list. */
function eachHost(list: string): string | undefined {
  const names = list.split(/[, ]+/).filter((name) => name !== '')
  return names.every((name) => /^[\w.:-]+$/.test(name))
    ? names.map((name) => `--allow-host ${name}`).join(' ')
    : undefined
}

/** An address of IPv6 without brackets has no port. */
function divided(value: string): { host: string; port: string | undefined } {
  const [, bracketed, after] = /^(\[[^\]]*\])(?::(.*))?$/.exec(value) ?? []
  if (bracketed !== undefined) return { host: bracketed, port: after }
  const colons = value.split(':').length - 1
  if (colons > 1) return { host: `[${value}]`, port: undefined }
  const at = value.indexOf(':')
  return at < 0 ? { host: value, port: undefined } : { host: value.slice(0, at), port: value.slice(at + 1) }
}

const isPort = (text: string): boolean => /^[1-9]\d{0,4}$/.test(text) && Number(text) <= MAX_PORT

type Fault = { what: string; hint?: string | undefined }

function faultOf(host: string): Fault | undefined {
  if (host.startsWith('[')) return addressOf(host) === undefined ? { what: 'is no address of IPv6' } : ownAddress(host)
  if (isIpv4(host)) return ownAddress(host)
  if (host === '*' || host === '*.')
    return { what: 'would allow every name', hint: 'without --allow-host the network is that of the host' }
  const name = host.startsWith('*.') ? host.slice(2) : host
  const plain = name.endsWith('.') ? name.slice(0, -1) : name
  const hint = nonAscii(plain) ? asciiOf(host) : undefined
  if (nonAscii(plain)) return { what: 'has letters that names of hosts are not written with', hint }
  if (plain.includes('*'))
    return { what: 'has a * that is not its first part', hint: '*.example.org stands for all names below example.org' }
  if (plain === '') return { what: 'has no name' }
  if (plain.length > 253) return { what: 'has more than 253 characters' }
  for (const label of plain.split('.')) {
    if (label === '' && plain.startsWith('.'))
      return { what: 'begins with a dot', hint: `all names below it: *${plain}` }
    if (label === '') return { what: 'has an empty part', hint: 'two dots follow each other' }
    if (label.length > 63) return { what: 'has a part with more than 63 characters' }
    if (!/^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?$/i.test(label))
      return { what: 'is no name of a host: letters, digits, - and _, with dots between them' }
  }
  // C libraries take 0x7f.1 and 2130706433 for addresses.
  if (/(?:^|\.)(?:\d+|0x[0-9a-f]*)$/i.test(plain))
    return { what: 'ends in a number, as an address does', hint: 'an address has four numbers, such as 192.0.2.1' }
  if (/(?:^|\.)localhost$/i.test(plain)) return { what: 'is the box itself', hint: LOCALHOST_HINT }
  return undefined
}

/** nsbox-net refuses the same, and more; the words here name the way out. */
function ownAddress(address: string): Fault | undefined {
  const isOwn = address.startsWith('127.') || ['[::1]', '[::]', '0.0.0.0'].includes(addressOf(address) ?? address)
  return isOwn ? { what: 'is the box itself', hint: LOCALHOST_HINT } : undefined
}

const LOCALHOST_HINT = 'give the server another name in /etc/hosts of this machine, and add --allow-private'

const nonAscii = (text: string): boolean => /[^\x00-\x7f]/.test(text)

/** The form with xn--, which is what servers and certificates have. */
function asciiOf(host: string): string | undefined {
  try {
    const star = host.startsWith('*.') ? '*.' : ''
    return `write ${star}${new URL(`http://${host.slice(star.length)}`).hostname}`
  } catch {
    return undefined
  }
}

const isIpv4 = (text: string): boolean => /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/.test(text)

/** The usual form of [ADDRESS], without brackets. */
function addressOf(bracketed: string): string | undefined {
  // A zone names an interface of this machine, which the box doesn't have.
  if (!/^\[[0-9a-f:.]+\]$/i.test(bracketed)) return undefined
  try {
    return new URL(`http://${bracketed}`).hostname
  } catch {
    return undefined
  }
}

function written(host: string): string {
  if (host.startsWith('[')) return addressOf(host) ?? host
  return (host.endsWith('.') ? host.slice(0, -1) : host).toLowerCase()
}

const PUBLISH_HINT = 'one port each, such as --publish 8080:80; the option may be repeated'

/** [ADDR:]PORT:PORT in the one form that a plan has: ADDR:PORT:PORT. Throws UsageError. */
export function publishedPort(value: string): string {
  const refused = (what: string, hint?: string): UsageError => wrong('publish', `${quote(value)} ${what}`, hint)
  const form = '[ADDR:]PORT:PORT: the port here, and the port in the box'
  const [, address = '127.0.0.1', port = '', inside = '', protocol] =
    /^(?:(\[[^\]]*\]|[^:]*):)?([^:]*):([^:/]*)(\/[a-z]+)?$/.exec(value) ?? []
  if (/^\d+$/.test(value)) throw refused(`must be ${form}`, `--publish ${value}:${value}`)
  if (protocol === '/tcp') throw refused('names a protocol', `only TCP is published: ${value.slice(0, -4)}`)
  if (protocol !== undefined) throw refused('names a protocol', 'only TCP is published')
  for (const text of [port, inside])
    if (!isPort(text))
      throw refused(port === '' ? `must be ${form}` : `must have ports from 1 to ${MAX_PORT}`, PUBLISH_HINT)
  const isBracketed = address.startsWith('[')
  if (isBracketed ? addressOf(address) === undefined : !isIpv4(address))
    throw refused(
      `must have an address of this machine before the ports, not ${quote(address)}`,
      /^localhost$/i.test(address) ? `${port}:${inside} is published on 127.0.0.1` : undefined,
    )
  return `${isBracketed ? addressOf(address) : address}:${port}:${inside}`
}
