import { SandboxError } from '../errors.ts'
import type { Machine } from './filter.ts'

/** Throws SandboxError where the system calls of this machine are not known. */
export function machineOf(name: string): Machine {
  if (name === 'x64' || name === 'arm64') return name
  throw new SandboxError({
    step: 'seccomp',
    what: `no filter for this machine (${name})`,
    hint: 'nsbox knows the system calls of x86-64 and arm64; --seccomp none runs without a filter',
  })
}
