/** AppArmor's restriction of user namespaces, as on Ubuntu from 23.10 on. */
import { barred, ok, type Result } from '../check.ts'
import type { Host } from '../host.ts'

const RESTRICT = '/proc/sys/kernel/apparmor_restrict_unprivileged_userns'

export function appArmorRestricts(host: Host): boolean {
  return host.readFile(RESTRICT)?.trim() === '1'
}

export function appArmor(host: Host): Result {
  if (host.readFile(RESTRICT) === undefined) return ok('does not restrict user namespaces here')
  if (!appArmorRestricts(host)) return ok('kernel.apparmor_restrict_unprivileged_userns is 0')
  const label = (
    host.readFile('/proc/self/attr/apparmor/current') ??
    host.readFile('/proc/self/attr/current') ??
    'unconfined'
  )
    .replace(/\0/g, '')
    .trim()
  if (label !== 'unconfined') return ok(`restricts user namespaces; this program runs under the profile ${label}`)
  return barred(
    host,
    'kernel.apparmor_restrict_unprivileged_userns is 1, and no profile allows this program user namespaces',
    "sudo tee /etc/apparmor.d/nsbox <<'END'",
    ...appArmorProfile(host.exe),
    'END',
    'sudo apparmor_parser -r /etc/apparmor.d/nsbox',
  )
}

/** The profile that lifts the restriction for one executable, and changes nothing else for it. */
export function appArmorProfile(exe: string): string[] {
  const path = exe.replace(/[\\"*?[\]{}^]/g, '\\$&')
  return [
    'abi <abi/4.0>,',
    'include <tunables/global>',
    `profile nsbox "${path}" flags=(unconfined) {`,
    '  userns,',
    '}',
  ]
}
