/** A rule of a box by the words of the command line that ask for it. */
import type { Mount } from '../plan/types.ts'
import { mountOption } from '../planner/covered.ts'
import { isSocketDirectory } from '../planner/socket-directories.ts'
import { quote } from '../text/quote.ts'
import type { Rule } from './decide.ts'
import { firstFew } from './groups.ts'

/**
 * Such as `--ro-bind /usr`; without a full stop. `written`: places that --write names, which a plan shows as it shows
 * binds.
 */
export function ruleText(rule: Rule, written?: ReadonlySet<string>): string {
  switch (rule.type) {
    case 'own':
      return `${quote(rule.path)} is nsbox's own, and no box can write there`
    case 'root':
      return rule.root.options?.includes('ro') ? 'the root is read-only' : 'the root'
    case 'mount':
      return mountText(rule.mount, written)
  }
}

function mountText(mount: Mount, written: ReadonlySet<string> | undefined): string {
  if (mount.type === 'protect' && mount.optional) return `--keep ${quote(mount.target)}`
  if (mount.type === 'bind' && mount.source === mount.target && written?.has(mount.target))
    return `--write ${quote(mount.target)}`
  const name = mountOption(mount)
  const target = quote(mount.target)
  if (name === 'hide' && isSocketDirectory(mount.target))
    return `${target} is a directory of sockets: --allow-socket ${target} shows it`
  if (mount.type === 'hide') return `--hide ${firstFew(mount.patterns)}`
  if (name === undefined) return BY_DEFAULT[mount.type] ?? `what nsbox itself mounts at ${target}`
  if (mount.type === 'bind')
    return `--${name} ${mount.source === mount.target ? target : `${quote(mount.source)}:${target}`}`
  if (mount.type === 'file' && mount.source !== undefined) return `--file ${quote(mount.source)}:${target}`
  if (mount.type === 'symlink') return `--symlink ${quote(mount.to)}:${target}`
  const isReadOnly = mount.type === 'tmpfs' && mount.options?.includes('ro') === true
  return `--${name} ${target}${isReadOnly ? ':ro' : ''}`
}

const BY_DEFAULT: Partial<Record<Mount['type'], string>> = {
  mask: 'every box hides it',
  protect: 'it is read-only in every box',
  sockets: "the host's Unix sockets are hidden",
}
