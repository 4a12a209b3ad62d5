/** A traced command that would hide what it uses, get what it may not read into the root, or never end. */
// seconds: 400
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot, nsbox, type Ran } from '../helpers/nsbox.ts'
import { inVarTmp } from '../rootfs/helpers.ts'
import { build, ENV, names, program, succeeded } from './trace-helpers.ts'

/** What the root has of the directory. */
function brought(dir: string): string[] {
  const inside = join(dir, 'r', dir)
  return existsSync(inside) ? names(inside).filter((name) => name !== 'use_files') : []
}

test(
  'paths that are too long are said to be missing, and all others are in the root',
  inVarTmp((dir) => {
    const file = program(dir)
    assert.is.not(
      /longer than/.test(succeeded(build(dir, 'r', '--trace', '--', file, 'long', '/etc/hostname')).stdout),
      true,
    )
    const { stdout } = succeeded(build(dir, 'r', '--trace', '--', file, 'deep', '25', '/etc/hostname'))
    assert.match(stdout, 'note: used paths longer than 4096 bytes, which are not in the root: ')
    assert.ok(existsSync(join(dir, 'r/etc/hostname')))
    assert.equal(names(dir), ['r', 'use_files'])
  }),
)

test(
  'names with line breaks and control characters are in the root, and the report stays one line each',
  inVarTmp((dir) => {
    const odd = ['a\nnote: b', 'c\x1b[2J', ' ', '"\\']
    mkdirSync(join(dir, 'odd'))
    for (const name of odd) writeFileSync(join(dir, 'odd', name), name)
    const { stdout } = succeeded(build(dir, 'r', '--dry-run', '--trace', '--', 'sh', '-c', 'cat odd/* >/dev/null'))
    assert.not.match(stdout, /^note: b|\x1b/m)
    succeeded(build(dir, 'r', '--trace', '--', 'sh', '-c', 'cat odd/* >/dev/null'))
    assert.equal(names(join(dir, 'r', dir, 'odd')), odd.toSorted())
  }),
)

const MANY = 'a hundred thousand calls for one file are one record'
if (!asRoot) test.skip(`${MANY} (takes long, and is the same for all users)`, () => undefined)
else
  test(
    MANY,
    inVarTmp((dir) => {
      writeFileSync(join(dir, 'data'), 'data')
      const words = ['rootfs', 'build', 'r', '--trace', '--', program(dir), 'same', '100000', 'data']
      succeeded(nsbox(words, { cwd: dir, env: ENV, timeout: 240000 }))
      assert.equal(brought(dir), ['data'])
    }),
  )

/** As user 5001, by a link to the host's secret and one to a file for all. */
function tricked(dir: string, way: string, ...become: string[]): Ran {
  for (const [name, mode] of [
    ['secret', 0o600],
    ['public', 0o644],
  ] as const) {
    writeFileSync(join(dir, name), name)
    chmodSync(join(dir, name), mode)
  }
  const file = program(dir)
  chmodSync(dir, 0o755)
  return build(dir, 'r', '--trace', '--', file, way, ...become, join(dir, 'secret'), join(dir, 'public'))
}

for (const [way, what] of [
  ['swap', 'a path that changes while the kernel and the tracer read it'],
  ['pose', 'a reference in the place of the descriptor that was opened'],
] as const) {
  const name = `${what} brings no file that the command may not read`
  if (!asRoot) test.skip(`${name} (only root can become another user)`, () => undefined)
  else
    test(
      name,
      inVarTmp((dir) => {
        succeeded(tricked(dir, way, '5001'))
        assert.not.ok(brought(dir).includes('secret'))
      }),
    )
}

test(
  'links that the command makes lead to nothing that it has not opened itself',
  inVarTmp((dir) => {
    writeFileSync(join(dir, 'secret'), 'secret')
    writeFileSync(join(dir, 'data'), 'data')
    symlinkSync('data', join(dir, 'link'))
    const script = 'rm link; ln -s secret link; ln -s secret other; test -e link; test -e other'
    succeeded(build(dir, 'r', '--trace', '--', 'sh', '-c', script))
    assert.equal(brought(dir), [])
    assert.is(readFileSync(join(dir, 'link'), 'utf8'), 'data')
  }),
)

test(
  'a child that no tracer follows opens nothing',
  inVarTmp((dir) => {
    writeFileSync(join(dir, 'data'), 'data')
    const ENOSYS = 38
    const { status } = build(dir, 'r', '--trace', '--', program(dir), 'untraced', join(dir, 'data'))
    assert.is(status, ENOSYS)
    assert.equal(brought(dir), [])
  }),
)

test(
  'a command that kills its tracer ends with it, and nothing is built',
  inVarTmp((dir) => {
    const mark = `9${process.pid}`
    const { status, stderr } = build(
      dir,
      'r',
      '--trace',
      '--',
      'sh',
      '-c',
      `sleep ${mark} & kill -KILL $PPID; sleep ${mark}`,
    )
    assert.is(status, 125)
    assert.match(
      stderr,
      'nsbox: rootfs: the tracer ended before the command (status 137)\nhint: something has killed it',
    )
    assert.equal(names(dir), [])
    assert.equal(running(mark), [])
  }),
)

/** Processes that sleep for so long. */
const running = (seconds: string): string[] =>
  readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'latin1') === `sleep\0${seconds}\0`
    } catch {
      return false
    }
  })

test(
  'a command can neither write into the records nor trace its tracer',
  inVarTmp((dir) => {
    writeFileSync(join(dir, 'data'), 'data')
    const record = `printf 'of+.\\0${dir}/data\\0${dir}/data\\0'`
    const { stderr } = build(
      dir,
      'r',
      '--trace',
      '--',
      'sh',
      '-c',
      `${record} >/proc/$PPID/fd/1; ${record}; cat /proc/$PPID/environ`,
    )
    assert.match(stderr, /cannot create \/proc\/\d+\/fd\/1: Permission denied/)
    assert.match(stderr, /environ.*: Permission denied/)
    assert.equal(brought(dir), [])
  }),
)

const BOMB = 'b() { b | b & }; b; wait'
const refusal = nsbox(['--pids', '20', 'true'])
const LIMITED = 'a command that makes processes without end is ended, by --pids and --timeout'
if (refusal.status !== 0) test.skip(`${LIMITED} (${refusal.stderr.split('\n')[0]})`, () => undefined)
else
  test(
    LIMITED,
    inVarTmp((dir) => {
      const ran = build(dir, 'r', '--quiet', '--pids', '40', '--timeout', '3s', '--trace', '--', 'sh', '-c', BOMB)
      assert.ok([0, 2, 124].includes(ran.status ?? -1), `${ran.status}: ${ran.stderr.slice(0, 500)}`)
    }),
  )

test.run()
