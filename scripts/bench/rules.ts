/**
 * The start of a box for a command that somebody else wrote: a project to write to, the rest read-only, names hidden, a
 * host by its name. Beside sandbox-runtime, which has the same job.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { NSBOX } from './boxes.ts'
import { pace } from './pace.ts'
import { part, ratioTo, type Context, type Found, type Named } from './part.ts'
import { installed } from './programs.ts'
import { atMost } from './result.ts'

export function rules({ bench, find }: Context): Found {
  const project = join(bench.dir, 'project')
  const cache = join(bench.dir, 'remembered-rules')
  rmSync(cache, { recursive: true, force: true })
  for (const directory of [project, cache]) mkdirSync(directory, { recursive: true, mode: 0o700 })
  const program = installed(bench, NSBOX)
  const box = (name: string, does: string, ...words: string[]): Named => ({
    name,
    does,
    argv: [program, '--write', project, ...words, '--', bench.program('empty')],
  })
  const hidden = ['--hide', `${project}/**/.env`]
  const host = ['--allow-host', 'example.org']
  const commands: Named[] = [
    box('rules', 'a project to write to, the rest read-only, by the remembered plan'),
    box('rules, a pattern', 'names in the project are hidden, too', ...hidden),
    box('rules, a host', 'the same as the first, with a network that reaches one name', ...host),
    box('rules, a pattern, a host', 'all of that', ...hidden, ...host),
    box(
      'rules, a pattern, a host, first start',
      'the same, its plan made each time',
      ...hidden,
      ...host,
      '--no-remember',
    ),
  ]
  const runtime = find('sandbox-runtime')
  if (runtime !== undefined) commands.push(runtime)
  const times = pace(bench, 20, commands, { env: { NSBOX_CACHE: cache, NSBOX_REMEMBER: '1' }, equal: true })
  return {
    parts: [part('a box with rules', times, commands, 'rules')],
    targets: [
      atMost(
        'rules, a pattern, a host, later start / sandbox-runtime',
        0.03,
        ratioTo(times, 'rules, a pattern, a host', 'sandbox-runtime'),
      ),
    ],
  }
}
