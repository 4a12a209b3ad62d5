/** Whether boxes start on this machine. */
import type { Result } from './check.ts'
import type { Host } from './host.ts'
import { tryBox, type Start } from './try-box.ts'

/** `nest`: a box with --nest, tried where the default one doesn't start. */
export type Verdict = { default: Start; nest?: Start }

/** The checks only guess, so a box is started to know. */
export function verdict(host: Host, checks: readonly Result[]): Verdict {
  const started = tryBox(host, [])
  if (started?.starts) return { default: started }
  if (started !== undefined) return { default: started, nest: tryBox(host, ['--nest']) ?? started }
  const obstacle = checks.find(({ status }) => status === 'no')
  return { default: obstacle === undefined ? { starts: true } : { starts: false, error: obstacle.found } }
}
