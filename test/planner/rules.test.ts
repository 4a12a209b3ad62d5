/** Rules for files become mounts, on made-up machines. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { HostFacts } from '../../src/host/types.ts'
import type { Options } from '../../src/options/types.ts'
import { validatePlan } from '../../src/plan/validate.ts'
import { missingKept, missingKeptText } from '../../src/planner/missing-kept.ts'
import { plan } from './machine.ts'

const all: Partial<HostFacts> = { look: () => 'directory', cwd: '/home/me/p' }

/** The mounts of the rules, each in a line; the default ones of /proc, /dev and /sys don't count. */
function lines(options: Options, facts: Partial<HostFacts> = {}): string[] {
  const { mounts = [] } = plan(options, { ...all, ...facts })
  return mounts
    .filter(
      ({ type, target, ...rest }) => !('kernel' in rest) && !/^\/(proc|dev|sys)\b/.test(target) && type !== 'stash',
    )
    .map((mount) => {
      const flags = 'options' in mount && mount.options?.includes('ro') ? ' ro' : ''
      return `${mount.type} ${mount.target}${flags}`
    })
}

test('rules are sorted by their paths, relative ones from the directory of the caller', () => {
  const options = { hide: ['.env', '/home/me'], keep: ['./.git/'], write: ['.'] }
  assert.equal(lines(options), ['mask /home/me', 'bind /home/me/p', 'protect /home/me/p/.git', 'mask /home/me/p/.env'])
  // The root is writable: what leads to the kept directory is pinned.
  assert.equal(lines({ ...options, hide: ['.env'], write: ['/'] }), [
    'protect /home/me/p/.git',
    'pin /home/me/p',
    'mask /home/me/p/.env',
  ])
})

test('a rule that says what one above says already makes no mount', () => {
  assert.equal(lines({ write: ['.', 'src', 'src/deep'], keep: ['a', 'a/b'], hide: ['x', 'x/y/z'] }), [
    'bind /home/me/p',
    'protect /home/me/p/a',
    'mask /home/me/p/x',
  ])
  // With another mount between them it does.
  assert.equal(lines({ write: ['.', 'src/deep'], mounts: [{ type: 'tmpfs', target: '/home/me/p/src' }] }), [
    'bind /home/me/p',
    'tmpfs /home/me/p/src',
    'bind /home/me/p/src/deep',
  ])
})

test('rules make the root read-only, unless the caller has said something else about it', () => {
  const isReadOnly = (options: Options) => plan(options, all).root?.options?.includes('ro')
  for (const options of [{ write: ['.'] }, { keep: ['.'] }, { hide: ['.'] }]) assert.is(isReadOnly(options), true)
  for (const options of [{ write: ['/'] }, { write: ['/usr/..'] }, { overlay: true as const }, { ro: false }])
    assert.is(isReadOnly({ hide: ['.'], ...options }), false, JSON.stringify(options))
  assert.is(isReadOnly({ write: ['/'], ro: true }), true)
})

test('a link stands for the place that it leads to, and stays where it is kept', () => {
  const realPath = (path: string) => (path.startsWith('/home/me/p') ? path.replace('/home/me/p', '/data/q') : path)
  assert.equal(lines({ write: ['.'], keep: ['rc'], hide: ['none'] }, { realPath }), [
    'bind /data/q',
    'pin /home/me/p/rc',
    'protect /data/q/rc',
    'mask /data/q/none',
  ])
})

test('what is missing is looked for from the last directory that is there', () => {
  const realPath = (path: string) => (path === '/home/me/p' ? '/data/q' : undefined)
  assert.equal(lines({ hide: ['a/b/c', '/x/../y'] }, { realPath }), ['mask /y', 'mask /data/q/a/b/c'])
})

test('what is kept or hidden is so wherever the box shows it', () => {
  const mounts = [
    { type: 'bind' as const, source: '/home/me/p', target: '/w' },
    { type: 'bind' as const, source: '/home/me/p/.env', target: '/env' },
  ]
  assert.equal(lines({ mounts, hide: ['.env'], keep: ['.git'] }), [
    'protect /home/me/p/.git',
    'mask /home/me/p/.env',
    'bind /w',
    'protect /w/.git',
    'mask /w/.env',
    'bind /env',
    'mask /env',
  ])
  assert.equal(lines({ root: '/home/me', hide: ['.env'] }), ['mask /p/.env', 'mask /home/me/p/.env'])
})

test('what is given back of a hidden directory is shown anew', () => {
  assert.equal(lines({ hide: ['/home/me'], keep: ['.'], write: ['src'] }), [
    'mask /home/me',
    'bind /home/me/p ro',
    'bind /home/me/p/src',
  ])
})

test('what is missing where the box may write is found, and nothing else is', () => {
  const gone = (path: string) => /\.(?:rc|none)$/.test(path)
  const look: HostFacts['look'] = (path) => (gone(path) ? { code: 'ENOENT' } : 'directory')
  const options = { write: ['.'], keep: ['.rc', '.git', '/etc/x.none'] }
  const { mounts = [], root } = plan(options, { ...all, look })
  assert.equal(missingKept(mounts, root, look), ['/home/me/p/.rc'])
  const many = missingKeptText(Array.from({ length: 30 }, (_, n) => `/${n}`))
  assert.match(many, /may make them: \/0 .* \/19 and 10 more$/)
})

test('a bind that may be left out, and whose source is missing, allows no socket', () => {
  const allowed = (found: ReturnType<HostFacts['look']>) => {
    const look: HostFacts['look'] = (path) => (path === '/agent' ? found : 'directory')
    const mounts = [{ type: 'bind' as const, source: '/agent', target: '/one', optional: true }]
    return (plan({ mounts, sockets: [] }, { ...all, look }).mounts ?? []).flatMap((mount) =>
      mount.type === 'sockets' ? [`${mount.target}: ${mount.allowed?.join(' ')}`] : [],
    )
  }
  assert.equal(allowed('other'), ['/: /agent /one'])
  assert.equal(allowed('directory'), ['/: ', '/one: '])
  // It may be a directory when the box starts.
  assert.equal(allowed({ code: 'ENOENT' }), ['/: ', '/one: '])
})

test('a plan of rules is a plan', () => {
  const made = plan({ write: ['.'], keep: ['.git'], hide: ['.env', '~x'] }, all)
  assert.equal(validatePlan(JSON.parse(JSON.stringify(made))), made)
})

test.run()
