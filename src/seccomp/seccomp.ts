/** The filter of a box, as it goes into the plan. */
import type { HostFacts } from '../host/types.ts'
import { lateFilters, lateFakeRoot } from '../lazy.ts'
import type { Options } from '../options/types.ts'
import type { Capability, Process } from '../plan/types.ts'
import type { Variant } from './filter.ts'
import { DEFAULT_FILTERS } from './filters.ts'

/**
 * How a plan names the default filter: by itself, or with what is different. sidecar/privs/seccomp.c knows how such a
 * name begins.
 */
const DEFAULT = 'default'
const USER_NAMESPACES = 'user namespaces'
const SOCKETCALL = 'socketcall'
const FAKE_ROOT = 'fake root'

export function isOurs(from: string | undefined): boolean {
  return from === DEFAULT || from?.startsWith('default with ') === true
}

/** Whether it refuses what makes mounts and namespaces, as far as the box's capabilities don't allow it. */
export function refusesMounts(from: string | undefined): boolean {
  return from !== undefined && isOurs(from) && !from.includes(USER_NAMESPACES)
}

/** Whether old 32-bit programs can make sockets. */
export function allowsSocketcall(from: string): boolean {
  return isOurs(from) && from.includes(SOCKETCALL)
}

/** Whether it answers changes of owners and ids. */
export function answersIds(from: string | undefined): boolean {
  return from !== undefined && from.endsWith(` ${FAKE_ROOT}`)
}

/**
 * The filter of a box; undefined for a box without one. Throws SandboxError for a profile that can't be read or used.
 */
export function seccompOf(
  { seccomp = 'default', privileged, allowUserns = false, fakeRoot = false }: Options,
  capabilities: readonly Capability[],
  host: HostFacts,
): Process['seccomp'] {
  if (seccomp === 'none' || (privileged && seccomp === 'default')) return undefined
  const socketcall = seccomp === 'socketcall'
  if (seccomp !== 'default' && !socketcall)
    return {
      from: fakeRoot ? `${seccomp} with fake root` : seccomp,
      filter: lateFilters().profileFilter(seccomp, capabilities, host, fakeRoot),
    }
  const variant = { userNamespaces: allowUserns, socketcall, fakeRoot }
  return {
    from: nameOf(variant),
    filter: ready(variant, capabilities, host) ?? lateFilters().compiledDefault(capabilities, host, variant),
  }
}

function nameOf({ userNamespaces, socketcall, fakeRoot }: Variant): string {
  let name = DEFAULT
  const add = (what: string): string => `${name}${name === DEFAULT ? ' with' : ' and'} ${what}`
  if (userNamespaces) name = add(USER_NAMESPACES)
  if (socketcall) name = add(SOCKETCALL)
  if (fakeRoot) name = add(FAKE_ROOT)
  return name
}

/** A filter that was compiled when nsbox was built: for no capability, and for those that root has by default. */
function ready(
  { userNamespaces, socketcall, fakeRoot }: Variant,
  capabilities: readonly Capability[],
  host: HostFacts,
): string | undefined {
  const { machine } = host
  if (userNamespaces || socketcall || (machine !== 'x64' && machine !== 'arm64')) return undefined
  const filters = fakeRoot ? lateFakeRoot().FAKE_ROOT_FILTERS : DEFAULT_FILTERS
  for (const { capabilities: required, without: excluded, filter } of filters[host.runsI386() ? 'both' : machine])
    if (hasExactly(capabilities, required, excluded)) return filter
  return undefined
}

/** Whether CAPABILITIES has all that are required, and none of the excluded ones. */
function hasExactly(
  capabilities: readonly Capability[],
  required: readonly Capability[],
  excluded: readonly Capability[],
): boolean {
  for (const capability of required) if (!capabilities.includes(capability)) return false
  for (const capability of excluded) if (capabilities.includes(capability)) return false
  return true
}
