/** Which keys sandbox-runtime's settings may have, and what each has to be. */
import { nearest } from '../text/nearest.ts'
import { kindOf } from './mount-list.ts'

type Fail = (pointer: string, what: string, hint?: string) => never

/** What each key has to be. 'no': it has no effect on Linux, or is about tools that nsbox doesn't need. */
const KEYS: Readonly<Record<string, Kind>> = {
  '/network': 'object',
  '/network/allowedDomains': 'texts',
  '/network/deniedDomains': 'texts',
  '/network/deniedDomainReasons': 'no',
  '/network/strictAllowlist': 'no',
  '/network/deniedResolvedAddresses': 'texts',
  '/network/allowUnixSockets': 'texts',
  '/network/allowAllUnixSockets': 'boolean',
  '/network/allowLocalBinding': 'no',
  '/network/allowMachLookup': 'no',
  '/network/httpProxyPort': 'refused',
  '/network/socksProxyPort': 'refused',
  '/network/mitmProxy': 'refused',
  '/network/filterRequest': 'refused',
  '/network/stripResponseHeaders': 'refused',
  '/network/refuseOpaqueTunnels': 'refused',
  '/network/requireHostMatch': 'refused',
  '/network/ambiguousRequestTarget': 'no',
  '/network/allowPlaintextHeaderSet': 'no',
  '/network/tlsTerminate': 'refused',
  '/network/parentProxy': 'refused',
  '/filesystem': 'object',
  '/filesystem/disabled': 'boolean',
  '/filesystem/denyRead': 'paths',
  '/filesystem/allowRead': 'paths',
  '/filesystem/allowWrite': 'paths',
  '/filesystem/denyWrite': 'paths',
  '/filesystem/allowGitConfig': 'boolean',
  '/credentials': 'object',
  '/credentials/files': 'credentials',
  '/credentials/envVars': 'credentials',
  '/credentials/allowPlaintextInject': 'no',
  '/credentials/awsPairs': 'refused',
  '/credentials/sigv4': 'refused',
  '/ignoreViolations': 'no',
  '/enableWeakerNestedSandbox': 'boolean',
  '/allowNestedUserNamespaces': 'boolean',
  '/enableWeakerNetworkIsolation': 'no',
  '/allowAppleEvents': 'no',
  '/ripgrep': 'no',
  '/mandatoryDenySearchDepth': 'depth',
  '/allowPty': 'no',
  '/seccomp': 'no',
  '/bwrapPath': 'no',
  '/socatPath': 'no',
  '/javaAgentJarPath': 'no',
  '/windows': 'no',
  '/git': 'no',
}
type Kind = 'object' | 'texts' | 'paths' | 'boolean' | 'credentials' | 'depth' | 'refused' | 'no'

type Table = Record<string, unknown>
/** `literal`: the path has no pattern in it, whatever its characters are. */
type PathEntry = string | { path: string; literal: true }
export type Settings = {
  network: {
    allowedDomains: string[]
    deniedDomains: string[]
    deniedResolvedAddresses?: string[]
    allowUnixSockets?: string[]
    allowAllUnixSockets?: boolean
  }
  filesystem: Record<'denyRead' | 'allowRead' | 'allowWrite' | 'denyWrite', PathEntry[]> & {
    disabled?: boolean
    allowGitConfig?: boolean
  }
  credentials: { files: { path: string }[]; envVars: { name: string }[] }
  mandatoryDenySearchDepth: number
  enableWeakerNestedSandbox?: boolean
  allowNestedUserNamespaces?: boolean
}

/** SETTINGS with what may be left out. Throws by FAIL. */
export function readSettings(settings: unknown, fail: Fail): Settings {
  const check = (table: unknown, at: string): Table => {
    if (typeof table !== 'object' || table === null || Array.isArray(table))
      return fail(at, `must be an object, not ${kindOf(table)}`)
    for (const [key, value] of Object.entries(table)) {
      const pointer = `${at}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
      const kind = Object.hasOwn(KEYS, pointer) ? KEYS[pointer] : undefined
      if (kind === undefined) fail(pointer, 'unknown key', nearestKey(at, key))
      else checkValue(kind, value, pointer)
    }
    return table as Table
  }
  const checkValue = (kind: Kind, value: unknown, at: string): void => {
    if (value === undefined) return
    if (kind === 'object') check(value, at)
    else if (kind === 'refused') {
      if (value === false) return
      fail(
        at,
        'nsbox has no proxy and looks into no connection',
        'leave the key out: names are allowed by allowedDomains',
      )
    } else if (kind === 'boolean' && typeof value !== 'boolean') fail(at, `must be true or false, not ${kindOf(value)}`)
    else if (kind === 'depth' && !(Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 10))
      fail(at, `must be a whole number from 1 to 10, not ${kindOf(value)}`)
    else if (kind === 'texts') eachOf(value, at, (one, place) => void textAt(one, place))
    else if (kind === 'paths') eachOf(value, at, checkPath)
    else if (kind === 'credentials') eachOf(value, at, checkCredential)
  }
  const eachOf = (value: unknown, at: string, body: (one: unknown, place: string) => void): void => {
    if (!Array.isArray(value)) fail(at, `must be a list, not ${kindOf(value)}`)
    for (const [n, one] of (value as unknown[]).entries()) body(one, `${at}/${n}`)
  }
  const textAt = (value: unknown, at: string): void => {
    if (typeof value !== 'string' || value === '') fail(at, `must be text, not ${kindOf(value)}`)
    else if (value.includes('\0')) fail(at, 'must not have a zero byte')
  }
  const checkPath = (value: unknown, at: string): void => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return textAt(value, at)
    const { path, literal, ...others } = value as Table
    for (const key of Object.keys(others)) fail(`${at}/${key}`, 'unknown key')
    textAt(path, `${at}/path`)
    if (literal !== true) fail(`${at}/literal`, `must be true, not ${kindOf(literal)}`)
  }
  const checkCredential = (value: unknown, at: string): void => {
    const { mode, path, name } = (typeof value === 'object' && value !== null ? value : {}) as Table
    if (mode !== 'deny')
      fail(`${at}/mode`, `nsbox can hide credentials (deny) and not replace them: ${kindOf(mode)}`, '"mode": "deny"')
    if (at.startsWith('/credentials/files')) textAt(path, `${at}/path`)
    else textAt(name, `${at}/name`)
    if (typeof name === 'string' && name.includes('=')) fail(`${at}/name`, "can't be the name of a variable")
  }
  const table = check(settings, '')
  for (const [part, keys] of REQUIRED)
    for (const key of keys)
      if ((table[part] as Table | undefined)?.[key] === undefined)
        fail(table[part] === undefined ? `/${part}` : `/${part}/${key}`, 'is missing', `"${part}": { "${key}": [] }`)
  const { network, filesystem, credentials = {}, mandatoryDenySearchDepth = 3 } = table as Record<string, Table>
  return {
    ...table,
    network,
    filesystem: { allowRead: [], ...filesystem },
    credentials: { files: [], envVars: [], ...credentials },
    mandatoryDenySearchDepth,
  } as unknown as Settings
}

/** Settings without these are refused by sandbox-runtime, too. */
const REQUIRED = [
  ['network', ['allowedDomains', 'deniedDomains']],
  ['filesystem', ['denyRead', 'allowWrite', 'denyWrite']],
] as const

function nearestKey(at: string, key: string): string | undefined {
  const there = Object.keys(KEYS).filter((pointer) => pointer.startsWith(`${at}/`))
  const names = there.map((pointer) => pointer.slice(at.length + 1)).filter((name) => !name.includes('/'))
  const near = nearest(key, names)
  return near === undefined ? undefined : `the nearest is ${near}`
}
