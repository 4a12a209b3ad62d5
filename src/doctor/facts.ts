/** Facts about the machine that several checks need. */
import { unescapeOctal } from '../text/octal.ts'
import type { Host } from './host.ts'

/** Linux 5.4 is 5.04 and 5.12 is 5.12, so that versions compare as numbers. */
export function kernelVersion(host: Host): number | undefined {
  const match = /^(\d+)\.(\d+)/.exec(host.readFile('/proc/sys/kernel/osrelease') ?? '')
  return match === null ? undefined : Number(match[1]) + Number(match[2]) / 100
}

const CAP_SYS_ADMIN = 21n

/** Whether the caller may make namespaces without a user namespace around them. */
export function privileged(host: Host): boolean {
  const effective = statusField(host, 'CapEff')
  return effective === undefined ? host.uid === 0 : ((BigInt(`0x${effective}`) >> CAP_SYS_ADMIN) & 1n) === 1n
}

/** Whether our privilege counts on the machine itself, and not just inside of a user namespace (user_namespaces(7)). */
export function initialUserNamespace(host: Host): boolean {
  const map = host.readFile('/proc/self/uid_map')?.trim().split(/\s+/)
  return map === undefined || map.join(' ') === '0 0 4294967295'
}

/** Whether process 1 here is the init of a box: then the box around us has to change. */
export function inBox(host: Host): boolean {
  return host.readFile('/proc/1/comm')?.trim() === 'box-init'
}

/** A field of /proc/self/status, proc(5). */
export function statusField(host: Host, name: string): string | undefined {
  return new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(host.readFile('/proc/self/status') ?? '')?.[1]
}

export type MountLine = {
  id: string
  parent: string
  top: string
  point: string
  options: string[]
  shared: boolean
  type: string
}

/** proc(5), /proc/self/mountinfo. */
export function mounts(host: Host): MountLine[] {
  const lines = (host.readFile('/proc/self/mountinfo') ?? '').split('\n').filter((line) => line !== '')
  return lines.map((line) => {
    const [before = '', after = ''] = line.split(' - ')
    const [id = '', parent = '', , top = '', point = '', options = '', ...tags] = before.split(' ')
    return {
      id,
      parent,
      top,
      point: unescapeOctal(point),
      options: options.split(','),
      shared: tags.some((tag) => tag.startsWith('shared:')),
      type: after.split(' ')[0] ?? '',
    }
  })
}

/** The mount that PATH is on: the innermost, or the last of several at one place. */
export function mountOf(list: readonly MountLine[], path: string): MountLine | undefined {
  let best: MountLine | undefined
  for (const mount of list) {
    const covers = mount.point === '/' || path === mount.point || path.startsWith(`${mount.point}/`)
    if (covers && (best === undefined || mount.point.length >= best.point.length)) best = mount
  }
  return best
}
