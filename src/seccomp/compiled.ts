/** Filters that were not compiled when nsbox was built. */
import type { HostFacts } from '../host/types.ts'
import type { Capability } from '../plan/types.ts'
import { compile } from './bpf.ts'
import { defaultFilter } from './default.ts'
import { withFakeRoot } from './fake-root.ts'
import type { Variant } from './filter.ts'
import { machineOf } from './machine.ts'

export { profileFilter } from './profile.ts'

export function compiledDefault(
  capabilities: readonly Capability[],
  host: HostFacts,
  { userNamespaces, socketcall, fakeRoot }: Variant,
): string {
  const filter = defaultFilter(machineOf(host.machine), capabilities, {
    userNamespaces,
    socketcall,
    i386: host.runsI386(),
  })
  return Buffer.from(compile(fakeRoot ? withFakeRoot(filter) : filter)).toString('base64')
}
