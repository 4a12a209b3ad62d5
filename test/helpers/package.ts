/** The npm package as users get it: the packed file, installed into an empty project, and used by Node and by Bun. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { execute, type Ran } from './nsbox.ts'

const top = resolve(import.meta.dir, '../..')
export const VERSION = (JSON.parse(readFileSync(join(top, 'package.json'), 'utf8')) as { version: string }).version
export const TARBALL = join(top, `dist/nsbox-${VERSION}.tgz`)

const skipped = join(top, 'dist/arm64.skipped')
/** Why there is no sidecar for arm64, if there is none. */
export const WITHOUT_ARM64 = existsSync(skipped) ? readFileSync(skipped, 'utf8').trim() : undefined

/** Both run the same plain JavaScript. */
export const RUNTIMES: readonly { name: string; program: string }[] = [
  { name: 'Node', program: process.env.NODE ?? 'node' },
  { name: 'Bun', program: process.execPath },
]

/** An empty project with the package, and links to other packages that the tests use; for all tests of a file. */
export function project(...beside: string[]): { path: string; remove: () => void } {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'nsbox-')))
  const path = join(dir, 'project')
  mkdirSync(path)
  writeFileSync(
    join(path, 'package.json'),
    '{ "name": "user", "version": "1.0.0", "type": "module", "private": true }\n',
  )
  // A cache of its own, since the cache in HOME may belong to another user.
  done(
    execute(
      'npm',
      [
        'install',
        '--offline',
        '--no-audit',
        '--no-fund',
        '--loglevel=error',
        '--cache',
        join(dir, 'npm-cache'),
        TARBALL,
      ],
      { cwd: path },
    ),
  )
  for (const name of beside) link(path, name)
  return { path, remove: () => rmSync(dir, { recursive: true }) }
}

/** Links a package of this checkout, as if it were installed there too. */
export function link(project: string, name: string): void {
  const place = join(project, 'node_modules', name)
  mkdirSync(dirname(place), { recursive: true })
  symlinkSync(realpathSync(join(top, 'node_modules', name)), place)
}

export function done(ran: Ran): Ran {
  if (ran.status !== 0) throw new Error(`status ${ran.status ?? ran.signal}\n${ran.stdout}${ran.stderr}`)
  return ran
}
