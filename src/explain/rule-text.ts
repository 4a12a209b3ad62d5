/** A rule of a box by the words of the command line that ask for it. */
import type { Mount } from '../plan/types.ts'
import { mountOption } from '../planner/covered.ts'
import { quote } from '../text/quote.ts'
import type { Rule } from './decide.ts'

/** Such as `--ro-bind /usr`; without a full stop. */
export function ruleText(rule: Rule): string {
  switch (rule.type) {
    case 'own':
      return `${quote(rule.path)} is nsbox's own, and no box can write there`
    case 'root':
      return rule.root.options?.includes('ro') ? 'the root is read-only' : 'the root'
    case 'mount':
      return mountText(rule.mount)
  }
}

function mountText(mount: Mount): string {
  const name = mountOption(mount)
  const target = quote(mount.target)
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
}
