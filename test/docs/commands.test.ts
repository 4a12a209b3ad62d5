/**
 * The commands of the documents work as they stand there: one page after the other, its blocks in order, in an empty
 * directory, which is the home directory too.
 *
 * Words behind "sh" say where a block runs: `root` and `user`, by whom; `needs=PROGRAM,...`, if they are installed;
 * `slow`, with NSBOX_SLOW=1; `debian`, where dist/debian-root can be copied to ./debian; `skip`, nowhere. A block "text"
 * behind it has what it prints, where a line "..." stands for any lines.
 */
// seconds: 500
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Block, blocksOf, documents, shows, TOP } from '../helpers/documents.ts'
import { asRoot, execute, NSBOX, SIDECAR } from '../helpers/nsbox.ts'

/** They have tests of their own, with images, programs, Slurm and runtimes that are made or installed for them. */
const ELSEWHERE = ['images', 'many-machines', 'roots', 'programs-that-need-more'].map(
  (name) => `docs/guides/${name}.md`,
)
const WORD = /^(?:root|user|skip|slow|debian|needs=[\w.,-]+)$/
const DEBIAN = join(TOP, 'dist/debian-root')

/** Why a block can't run here; undefined if it can. */
function hindrance({ words }: Block): string | undefined {
  if (words.includes('root') && !asRoot) return 'needs root'
  if (words.includes('user') && asRoot) return 'is for ordinary users'
  if (words.includes('slow') && process.env.NSBOX_SLOW === undefined) return 'takes long: NSBOX_SLOW=1'
  if (words.includes('debian') && !existsSync(DEBIAN)) return 'there is no dist/debian-root'
  const needed = words.find((word) => word.startsWith('needs='))?.slice('needs='.length) ?? ''
  const missing = needed.split(',').filter((name) => name !== '' && Bun.which(name) === null)
  return missing.length > 0 ? `not installed: ${missing.join(' ')}` : undefined
}

/** A Debian that belongs to whoever runs the tests; without what only root can read. */
function copyDebian(dir: string): void {
  if (existsSync(join(dir, 'debian'))) return
  execute('cp', ['-r', '--no-dereference', '--preserve=mode,links', DEBIAN, join(dir, 'debian')])
  assert.ok(existsSync(join(dir, 'debian/usr/bin/dpkg')))
}

test('a block of output matches what it should, and nothing else', () => {
  assert.ok(shows('a\nb\nc\n', 'a\n...\nc\n'))
  assert.ok(shows('pid 7 (x)\n', 'pid ... (x)\n'))
  assert.ok(shows('a\nb\n', 'a\n...\n'))
  assert.not.ok(shows('a\nb\nc\n', 'a\nc\n'))
  assert.not.ok(shows('abc\n', 'a.c\n'))
})

let count = 0
for (const path of documents().filter((page) => !ELSEWHERE.includes(page) && existsSync(join(TOP, page)))) {
  const blocks = blocksOf(path)
  if (!blocks.some(({ language }) => language === 'sh')) continue
  // Not below /tmp: the commands hide that.
  const dir = mkdtempSync('/var/tmp/nsbox-docs-')
  // An overlay's own directory is closed to its owner, too.
  test.after(() => void execute('sh', ['-c', 'chmod -R u+rwx "$0"; rm -rf "$0"', dir]))
  const env = {
    ...process.env,
    PATH: `${dirname(NSBOX)}:${dirname(SIDECAR)}:${process.env.PATH}:/usr/sbin:/sbin`,
    HOME: dir,
  }
  const scripts = join(dir, '.scripts')
  blocks.forEach((block, i) => {
    if (block.language !== 'sh' || block.words.includes('skip')) return
    count++
    const title = `${path}:${block.line} ${block.code.split('\n')[0]}`
    const reason = hindrance(block)
    if (reason !== undefined) return test.skip(`${title} (${reason})`, () => undefined)
    test(title, () => {
      for (const word of block.words) assert.match(word, WORD)
      mkdirSync(scripts, { recursive: true })
      const script = join(scripts, String(i))
      writeFileSync(script, `set -euo pipefail\n${block.code}`)
      if (block.words.includes('debian')) copyDebian(dir)
      const seconds = block.words.includes('slow') ? 400 : 60
      const how = { cwd: dir, env, input: '', timeout: seconds * 1000 }
      const { status, stdout, stderr } = execute('bash', [script], how)
      assert.is(status, 0, `${block.code}\n${stdout}\n${stderr}`)
      const next = blocks[i + 1]
      if (next?.language === 'text') assert.ok(shows(stdout, next.code), `shown:\n${next.code}\nprinted:\n${stdout}`)
    })
  })
}

test('there are commands to try', () => assert.ok(count >= 30, String(count)))

test.run()
