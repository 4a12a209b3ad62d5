/** The mounts of this host that paths lead to: proc_pid_mountinfo(5). */
import { unescapeOctal } from '../text/octal.ts'

export type HostMount = {
  point: string
  type: string
  /** Neither the mount nor its file system is read-only. */
  writable: boolean
}

type Line = HostMount & { id: string; parent: string }

/** Those that no other mount hides, parents first; and the places of all, since a hidden mount hinders some calls too. */
export function hostMounts(mountinfo: string): { shown: HostMount[]; points: string[] } {
  const lines = mountinfo.split('\n').flatMap(readMount)
  const byId = new Map(lines.map((line) => [line.id, line]))
  const children = Map.groupBy(lines, ({ parent }) => parent)
  const isReached = (line: Line): boolean => {
    const siblings = children.get(line.parent) ?? []
    if (siblings.some((other) => other !== line && isBelow(line.point, other.point))) return false
    const parent = byId.get(line.parent)
    return parent === undefined || parent === line || isReached(parent)
  }
  const isCovered = ({ id, point }: Line): boolean =>
    (children.get(id) ?? []).some((child) => child.id !== id && child.point === point)
  const shown = lines.filter((line) => !isCovered(line) && isReached(line))
  return {
    shown: shown.toSorted((a, b) => a.point.length - b.point.length),
    points: lines.map(({ point }) => point),
  }
}

function readMount(text: string): Line[] {
  const [before = '', after = ''] = text.split(' - ')
  const [id, parent, , , point, options = ''] = before.split(' ')
  const [type = '', , ofFileSystem = ''] = after.split(' ')
  if (id === undefined || parent === undefined || point === undefined) return []
  const writable = [options, ofFileSystem].every((list) => !list.split(',').includes('ro'))
  return [{ id, parent, point: unescapeOctal(point), type, writable }]
}

/** Whether PATH lies below DIRECTORY; both are clean. */
export function isBelow(path: string, directory: string): boolean {
  return path !== directory && path.startsWith(directory === '/' ? '/' : `${directory}/`)
}
