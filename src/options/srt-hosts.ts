/** The names that sandbox-runtime's settings allow, as nsbox takes them. */
import { UsageError } from '../errors.ts'
import { lateNetwork } from '../lazy.ts'
import { printable } from '../text/printable.ts'
import type { Settings } from './srt-keys.ts'

type Fail = (pointer: string, what: string, hint?: string) => never

/** An entry without a port means these. */
const PORTS = ['443', '80']

type Entry = { name: string; port: string | undefined }

/** Keys of a profile. `fail` throws for what nsbox can't allow. */
export function srtHosts(network: Settings['network'], { fail }: { fail: Fail }): Record<string, unknown> {
  const denied = network.deniedDomains.map((text) => entryOf(text))
  const hosts: string[] = []
  for (const [n, text] of network.allowedDomains.entries()) {
    const at = `/network/allowedDomains/${n}`
    const entry = entryOf(text)
    refuseName(entry.name, text, at, fail)
    for (const port of entry.port === undefined ? PORTS : [entry.port]) {
      const here = { name: entry.name, port }
      if (denied.some((other) => covers(other, here))) continue
      const inside = denied.findIndex(
        (other) => covers({ name: here.name, port: undefined }, { ...other, port }) && hits(other, port),
      )
      if (inside >= 0)
        fail(
          `/network/deniedDomains/${inside}`,
          `'${printable(network.deniedDomains[inside] ?? '')}' is part of '${printable(text)}', and nsbox allows whole patterns alone`,
          'name what is allowed below it in allowedDomains',
        )
      const host = hostOf(here.name, port, at, fail)
      if (!hosts.includes(host)) hosts.push(host)
    }
  }
  const addresses = hosts.length === 0 ? [] : (network.deniedResolvedAddresses ?? [])
  for (const [n, range] of addresses.entries())
    if (!REFUSED_ANYWAY.test(range))
      fail(
        `/network/deniedResolvedAddresses/${n}`,
        `nsbox refuses private and local addresses, and no list of others: '${printable(range)}'`,
      )
  return hosts.length === 0 ? { net: 'none' } : { allowHosts: hosts }
}

/** Ranges that no name may lead to, whatever the settings say. */
const REFUSED_ANYWAY =
  /^(?:10\.|127\.|0\.|169\.254\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|22[4-9]\.|23\d\.|f[cdf]|fe[89ab]|::1)/i

function entryOf(text: string): Entry {
  const [, bracketed, name = bracketed ?? '', port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(text) ?? []
  return name === '' && bracketed === undefined ? { name: text, port: undefined } : { name: name.toLowerCase(), port }
}

/** The host as nsbox writes it. */
function hostOf(name: string, port: string, at: string, fail: Fail): string {
  try {
    return lateNetwork().allowedHost(`${name.includes(':') ? `[${name}]` : name}:${port}`)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    return fail(at, error.message.replace(/^--allow-host: /, ''), error.hint)
  }
}

function refuseName(name: string, text: string, at: string, fail: Fail): void {
  if (name === 'localhost' || name.endsWith('.localhost'))
    fail(at, "localhost is the box's own, and nothing of the host's can be reached by it")
  if (
    name === '' ||
    name.includes('/') ||
    (name.includes('*') && !/^\*\.[^*]+\.[^*]+$/.test(name)) ||
    !/[.:]/.test(name)
  )
    fail(at, `'${printable(text)}' is no name of a host`, 'such as example.org, *.example.org or example.org:8443')
}

/** Whether all that ENTRY stands for is in OTHER. */
function covers(other: Entry, entry: Entry): boolean {
  if (other.port !== undefined && other.port !== entry.port) return false
  if (other.name === '*' || other.name === entry.name) return true
  return other.name.startsWith('*.') && entry.name.replace(/^\*/, '').endsWith(other.name.slice(1))
}

const hits = ({ port }: Entry, wanted: string): boolean => port === undefined || port === wanted
