/** Which option would allow what a rule forbids. */
import { showsHost } from '../plan/root.ts'
import type { BoxPlan, Mount } from '../plan/types.ts'
import { quote } from '../text/quote.ts'
import type { Decision, Rule } from './decide.ts'
import type { Denied } from './denied-types.ts'
import { ruleText } from './rule-text.ts'

/** By the words of the command line; undefined: no option does. */
export function wayOut(rule: Rule, op: Denied['op'], { path, finds }: Decision, plan: BoxPlan): string | undefined {
  if (rule.type === 'own') return undefined
  if (rule.type === 'mount') return aroundMount(rule.mount, op, path)
  // A name that is to be made or removed belongs to its directory.
  const place = finds === 'directory' && op === 'write' ? path : directoryOf(path)
  if (!showsHost(plan.root)) return 'leave out --ro'
  return `--write ${quote(finds === 'file' && op === 'write' ? path : place)}`
}

function directoryOf(path: string): string {
  const end = path.lastIndexOf('/')
  return end <= 0 ? '/' : path.slice(0, end)
}

function aroundMount(mount: Mount, op: Denied['op'], path: string): string | undefined {
  switch (mount.type) {
    case 'hide':
      return `--hide ${quote(`!${path}`)}`
    case 'sockets':
      return `--allow-socket ${quote(path)}`
    case 'mask':
    case 'protect':
      return mount.kernel ? undefined : `leave out ${ruleText({ type: 'mount', mount })}`
    case 'bind':
      return mount.options?.includes('ro') === true && op !== 'read'
        ? `--bind ${quote(mount.source)}${mount.source === mount.target ? '' : `:${quote(mount.target)}`}`
        : undefined
    case 'tmpfs':
      return mount.options?.includes('ro') === true && op !== 'read' ? undefined : `--ro-bind ${quote(path)}`
    default:
      return undefined
  }
}
