/** The right to make namespaces, and their number. */
import { barred, no, note, ok, OUTER_BOX, sysctl, type Result } from '../check.ts'
import { inBox, initialUserNamespace, privileged, statusField } from '../facts.ts'
import type { Host } from '../host.ts'
import { appArmorRestricts } from './apparmor.ts'

export function privilege(host: Host): Result {
  if (privileged(host))
    return ok(
      `user id ${host.uid}, with CAP_SYS_ADMIN${initialUserNamespace(host) ? '' : ' in a user namespace'}: boxes need no user namespace of their own`,
    )
  if (host.uid !== 0) return ok(`user id ${host.uid}, unprivileged: boxes get a user namespace`)
  return note(
    'user id 0, but without CAP_SYS_ADMIN, as in most containers',
    'boxes need a user namespace here',
    inBox(host) ? OUTER_BOX : 'nsbox --nest ..., or start the container with --cap-add SYS_ADMIN',
  )
}

export function userNamespaces(host: Host): Result {
  const max = host.readFile('/proc/sys/user/max_user_namespaces')?.trim()
  if (max === undefined && !host.exists('/proc/self/ns/user'))
    return barred(
      host,
      'this kernel is built without them (CONFIG_USER_NS is off)',
      'use a kernel with CONFIG_USER_NS=y',
    )
  if (max === '0') return barred(host, 'user.max_user_namespaces is 0', ...sysctl('user.max_user_namespaces=15000'))
  if (host.readFile('/proc/sys/kernel/unprivileged_userns_clone')?.trim() === '0' && !privileged(host)) {
    return barred(host, 'kernel.unprivileged_userns_clone is 0', ...sysctl('kernel.unprivileged_userns_clone=1'))
  }
  // Under an AppArmor restriction unshare(1) passes or fails by its own profile, which says nothing about us.
  if (appArmorRestricts(host)) return ok(`allowed by the kernel, up to ${max ?? 'its limit'}; AppArmor: see below`)
  return tryUserNamespace(host, max)
}

function tryUserNamespace(host: Host, max: string | undefined): Result {
  // -r maps an id: some restrictions allow the namespace and refuse its map.
  const tried = host.run('unshare', ['-U', '-r', 'true'])
  if (tried === undefined) return ok(`allowed, up to ${max ?? "the kernel's limit"} (not tried: there is no unshare)`)
  if (tried.status === 0) return ok(`allowed, up to ${max ?? "the kernel's limit"}; made one to try`)
  if (inBox(host)) return barred(host, 'refused by the filter of the box that this runs in', OUTER_BOX)
  return (statusField(host, 'Seccomp') ?? '0') !== '0'
    ? barred(
        host,
        'refused, and a seccomp filter is active, as in a box or a container',
        "docker run --security-opt seccomp=unconfined ..., or with a profile that allows clone, unshare, mount and umount2; podman's own allows them",
      )
    : barred(
        host,
        'refused when tried (unshare -U -r true)',
        "unshare -U -r true    shows the kernel's error; dmesg may show what refused it",
      )
}

/** Each may have a limit of 0, user_namespaces(7); user namespaces have a check of their own. */
const LIMITED = ['mnt', 'pid', 'ipc', 'uts', 'cgroup', 'net'] as const

export function otherNamespaces(host: Host): Result {
  const none = LIMITED.filter((name) => host.readFile(`/proc/sys/user/max_${name}_namespaces`)?.trim() === '0')
  if (none.length === 0) return ok('mount, pid, ipc, uts, cgroup and net have no limit of 0')
  const settings = none.map((name) => `user.max_${name}_namespaces`)
  const found = `${settings.join(', ')} ${none.length === 1 ? 'is' : 'are'} 0`
  const fix = settings.flatMap((setting) => sysctl(`${setting}=15000`))
  if (none.every((name) => name === 'net')) return note(found, '--net none will not work', ...fix)
  const shareable = none.filter((name) => name !== 'net' && name !== 'mnt')
  return none.includes('mnt')
    ? no(found, 'a box is a mount namespace', ...fix)
    : no(found, `only boxes with --share ${shareable.join(',')} start`, ...fix)
}
