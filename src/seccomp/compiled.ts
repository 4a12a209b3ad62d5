/** Filters that were not compiled when nsbox was built. */
import type { HostFacts } from '../host/types.ts'
import type { Capability } from '../plan/types.ts'
import { compile } from './bpf.ts'
import { defaultFilter } from './default.ts'
import { machineOf } from './machine.ts'

export { profileFilter } from './profile.ts'

export function compiledDefault(held: readonly Capability[], { machine }: HostFacts, userNamespaces: boolean): string {
  return Buffer.from(compile(defaultFilter(machineOf(machine), held, userNamespaces))).toString('base64')
}
