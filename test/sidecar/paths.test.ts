/** Paths in the box mean the same by openat2(2) and by our own walk, which older kernels need. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot, busyboxRoot, inTemp, planOf, sidecar } from '../helpers/nsbox.ts'

const long = 'n'.repeat(255)

/** A root with everything that a path can lead through. */
function maze(dir: string): string {
  const root = busyboxRoot(dir)
  mkdirSync(join(root, 'd/e/f'), { recursive: true })
  mkdirSync(join(root, long))
  writeFileSync(join(root, 'file'), '')
  const links: Record<string, string> = {
    'to-d': 'd',
    'to-d-slash': 'd/',
    'to-file': 'file',
    'to-file-slash': 'file/',
    'to-nothing': 'nothing',
    'to-root': '/',
    absolute: '/d/e',
    above: '../../../d',
    'd/up': '..',
    'd/e/far-up': '../../../../d',
    itself: 'itself',
    a: 'b',
    b: 'a',
    'through-up': 'd/up/to-d/e',
    dots: './d/./e/../e/.',
  }
  for (const [name, to] of Object.entries(links)) symlinkSync(to, join(root, name))
  // The kernel follows at most 40 links, and counts those of both walks if it has to walk twice.
  for (let n = 1; n <= 41; n++) symlinkSync(n === 1 ? 'd' : `chain${n - 1}`, join(root, `chain${n}`))
  return root
}

const TARGETS = [
  '/d',
  '/d/',
  '//d//e//',
  '/d/.',
  '/d/e/..',
  '/d/e/../..',
  '/..',
  '/../d',
  '/.',
  '/',
  '/file',
  '/file/',
  '/file/.',
  '/file/..',
  '/file/x',
  '/to-d',
  '/to-d/',
  '/to-d/e',
  '/to-d-slash',
  '/to-d-slash/e',
  '/to-file',
  '/to-file/',
  '/to-file-slash',
  '/to-nothing',
  '/to-nothing/x',
  '/to-root',
  '/to-root/d',
  '/absolute',
  '/absolute/f',
  '/above',
  '/above/e',
  '/d/up',
  '/d/up/d',
  '/d/e/far-up',
  '/d/e/far-up/e',
  '/itself',
  '/a/x',
  '/through-up',
  '/dots',
  '/chain20',
  '/chain41',
  '/chain20/e',
  `/${long}`,
  `/${long}n`,
  `/${long}/${long}n`,
  `/${'d/../'.repeat(600)}d`,
  `/${'./'.repeat(2045)}d`,
  `/${'./'.repeat(2047)}d`,
  `/${'x/'.repeat(200)}y`,
]

for (const type of ['tmpfs', 'dir', 'mask', 'proc', 'file']) {
  test(
    `a path leads to the same place, or is refused with the same words, by both ways (${type})`,
    inTemp((dir) => {
      const plans = ['new', 'old'].map((name) =>
        planOf([
          '--root',
          maze(join(dir, name)),
          ...(asRoot ? [] : ['--map-root']),
          'find',
          '/',
          '-xdev',
          '!',
          '-path',
          '/bin/*',
          '!',
          '-path',
          '/proc/*',
          '!',
          '-path',
          '/dev/*',
        ]),
      )
      writeFileSync(join(dir, 'source'), 'x')
      for (const target of TARGETS) {
        const [one, other] = plans.map((plan, n) => {
          const mount = { type, target, ...(type === 'file' ? { source: join(dir, 'source') } : {}) }
          const { status, stdout, stderr } = sidecar({ ...plan, mounts: [mount] }, n === 0 ? [] : ['--old-mount-api'])
          return { status, stdout: stdout.split('\n').sort(), stderr }
        })
        assert.equal(other, one, target)
        assert.ok(one?.status === 0 || one?.status === 125, target)
      }
    }),
  )
}

test.run()
