/** The filter of a box, as it goes into the plan. */
import type { HostFacts } from '../host/types.ts'
import { lateFilters, lateFakeRoot } from '../lazy.ts'
import type { Options } from '../options/types.ts'
import type { Capability, Process } from '../plan/types.ts'
import type { Variant } from './filter.ts'
import { DEFAULT_FILTERS } from './filters.ts'

/** How a plan names the default filter and its variants; sidecar/privs/seccomp.c knows the names. */
const DEFAULT = 'default'
const WITH_USER_NAMESPACES = 'default with user namespaces'
const WITH_FAKE_ROOT = 'default with fake root'
const WITH_BOTH = 'default with user namespaces and fake root'

export function isOurs(from: string | undefined): boolean {
  return from === DEFAULT || from === WITH_USER_NAMESPACES || from === WITH_FAKE_ROOT || from === WITH_BOTH
}

/** Whether it refuses what makes mounts and namespaces, as far as the box's capabilities don't allow it. */
export function refusesMounts(from: string | undefined): boolean {
  return from === DEFAULT || from === WITH_FAKE_ROOT
}

/** Whether it answers changes of owners and ids. */
export function answersIds(from: string | undefined): boolean {
  return from !== undefined && from.endsWith(' fake root')
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
  if (seccomp !== 'default')
    return {
      from: fakeRoot ? `${seccomp} with fake root` : seccomp,
      filter: lateFilters().profileFilter(seccomp, capabilities, host, fakeRoot),
    }
  const variant = { userNamespaces: allowUserns, fakeRoot }
  return {
    from: nameOf(variant),
    filter: ready(variant, capabilities, host) ?? lateFilters().compiledDefault(capabilities, host, variant),
  }
}

function nameOf({ userNamespaces, fakeRoot }: Variant): string {
  if (userNamespaces) return fakeRoot ? WITH_BOTH : WITH_USER_NAMESPACES
  return fakeRoot ? WITH_FAKE_ROOT : DEFAULT
}

/** A filter that was compiled when nsbox was built: for no capability, and for those that root has by default. */
function ready(
  { userNamespaces, fakeRoot }: Variant,
  capabilities: readonly Capability[],
  host: HostFacts,
): string | undefined {
  const { machine } = host
  if (userNamespaces || (machine !== 'x64' && machine !== 'arm64')) return undefined
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
