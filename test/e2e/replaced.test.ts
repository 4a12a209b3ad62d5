/**
 * What is hidden or kept, and is replaced on the host while the box runs: the kernel takes its mount away, or moves it
 * elsewhere, and the box ends.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, renameSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { box, SandboxError } from '../../src/index.ts'
import { asRoot, inTemp, NSBOX, nsbox, planOf, sidecar, type Ran } from '../helpers/nsbox.ts'

/** Rounds of the tests with a reader that never pauses. */
const ROUNDS = Number(process.env.NSBOX_TEST_REPLACED ?? 3)

/** Reads FILE without a pause, and prints what it gets. */
const reading = (file: string): string => `echo started; while :; do read -r x <${file} && echo "$x"; done 2>/dev/null`
const WAITING = 'echo started; exec sleep 60'

function make(dir: string, files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(dir, name, '..'), { recursive: true })
    writeFileSync(join(dir, name), text)
  }
}

/** As editors save. */
function replace(path: string, text = 'NEW\n'): void {
  writeFileSync(`${path}.new`, text)
  renameSync(`${path}.new`, path)
}

/** Runs SCRIPT in a box, and ACT once it has started; then the box ends by itself, or after MOST milliseconds by us. */
async function during(options: readonly string[], cwd: string, script: string, act: () => unknown, most = 30000) {
  const child = spawn(NSBOX, [...options, 'sh', '-c', script], { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  child.stderr.on('data', (data) => (stderr += data))
  await new Promise((resolve) => {
    child.once('close', resolve)
    child.stdout.on('data', (data) => (stdout += data).includes('started') && resolve(undefined))
  })
  const before = stdout
  await act()
  const late = sleep(most, 'late', { ref: false })
  if ((await Promise.race([ended, late])) === 'late') child.kill('SIGTERM')
  return { status: await ended, signal: null, before, stdout, stderr } satisfies Ran & { before: string }
}

const PROJECT = { 'p/.env': 'OLD\n', 'p/.git/config': 'old\n', 'p/sub/key.pem': 'OLD\n', 'p/.ssh/id': 'OLD\n' }
const HIDE = ['--write', '.', '--hide', '.env']
const KEEP = ['--write', '.', '--keep', '.git/config']

/** What the host does in the project, and the path that the message names. */
const LOST: readonly [what: string, options: readonly string[], act: (p: string) => void, path: string][] = [
  ['a hidden file is replaced', HIDE, (p) => replace(`${p}/.env`), '.env'],
  ['a hidden file is removed', HIDE, (p) => unlinkSync(`${p}/.env`), '.env'],
  [
    'a hidden file is moved away, and another one comes in its place',
    HIDE,
    (p) => {
      renameSync(`${p}/.env`, `${p}/.env~`)
      writeFileSync(`${p}/.env`, 'NEW\n')
    },
    '.env',
  ],
  [
    'the directory of a hidden file is replaced',
    HIDE,
    (p) => {
      renameSync(p, `${p}2`)
      make(p, { '.env': 'NEW\n' })
    },
    '.env',
  ],
  [
    'a hidden directory is replaced',
    ['--write', '.', '--hide', '.ssh'],
    (p) => {
      renameSync(`${p}/.ssh`, `${p}/.ssh2`)
      make(p, { '.ssh/id': 'NEW\n' })
    },
    '.ssh',
  ],
  ['a match of a pattern is replaced', ['--hide', '**/*.pem'], (p) => replace(`${p}/sub/key.pem`), 'sub/key.pem'],
  [
    'the directory of a match in a read-only area is replaced',
    ['--hide', '**/*.pem'],
    (p) => {
      renameSync(`${p}/sub`, `${p}/sub2`)
      make(p, { 'sub/key.pem': 'NEW\n' })
    },
    'sub/key.pem',
  ],
  ['a mask on a file is lost', ['--mask', 'p/.env'], (p) => replace(`${p}/.env`), '.env'],
  ['a kept file is replaced', KEEP, (p) => replace(`${p}/.git/config`), '.git/config'],
  ['a kept file is removed', KEEP, (p) => unlinkSync(`${p}/.git/config`), '.git/config'],
  ['a directory above a kept file is moved', KEEP, (p) => renameSync(`${p}/.git`, `${p}/.git2`), '.git/config'],
]

for (const [what, options, act, path] of LOST)
  test(
    `the box ends: ${what}`,
    inTemp(async (dir) => {
      const p = join(dir, 'p')
      make(dir, PROJECT)
      const given = options.map((word) => (word === 'p/.env' ? `${p}/.env` : word))
      const { status, stderr } = await during(given, p, WAITING, () => act(p))
      assert.is(status, 125, stderr)
      const kind = options.includes('--keep') ? 'kept' : 'hidden'
      assert.match(stderr, `nsbox: mounts: ended the box: the host replaced or removed what is ${kind}: ${p}/${path}\n`)
      assert.match(stderr, 'hint: ')
    }),
  )

/** What leaves all in its place, or shows nothing. */
const HARMLESS: readonly [what: string, options: readonly string[], act: (p: string) => unknown][] = [
  [
    'other files beside a hidden one change',
    HIDE,
    (p) => {
      for (let n = 0; n < 300; n++) replace(`${p}/other${n % 3}`)
    },
  ],
  ['a file in a hidden directory is replaced', ['--write', '.', '--hide', '.ssh'], (p) => replace(`${p}/.ssh/id`)],
  [
    'a hidden directory is removed',
    ['--write', '.', '--hide', '.ssh'],
    (p) => {
      unlinkSync(`${p}/.ssh/id`)
      rmdirSync(`${p}/.ssh`)
    },
  ],
  ['a hidden file is moved, and nothing comes in its place', HIDE, (p) => renameSync(`${p}/.env`, `${p}/.env~`)],
  ['a kept file changes in place', KEEP, (p) => writeFileSync(`${p}/.git/config`, 'new\n')],
]

for (const [what, options, act] of HARMLESS)
  test(
    `the box goes on: ${what}`,
    inTemp(async (dir) => {
      const p = join(dir, 'p')
      make(dir, PROJECT)
      const script = 'echo started; while [ ! -e end ]; do sleep 0.05; done; cat .env .env~; exit 7'
      const { status, stdout, stderr } = await during([...options, '--write', '.'], p, script, async () => {
        await act(p)
        await sleep(300)
        writeFileSync(`${p}/end`, '')
      })
      assert.is(status, 7, stderr)
      if (options === HIDE) assert.is(stdout, 'started\n')
    }),
  )

test(
  'the box goes on where it moves directories with hidden files itself, and makes others in their place',
  inTemp((dir) => {
    const p = join(dir, 'p')
    make(dir, PROJECT)
    const script = `mv sub .old && mkdir sub && echo MINE >sub/key.pem && sleep 0.2 && cat sub/key.pem; cat .old/key.pem; echo on`
    const { status, stdout, stderr } = nsbox(['--write', '.', '--hide', '**/*.pem', 'sh', '-c', script], { cwd: p })
    assert.is(status, 0, stderr)
    assert.is(stdout, 'MINE\non\n')
  }),
)

test(
  'a hidden socket may go with its server, and its name stays closed to a new one',
  inTemp(async (dir) => {
    make(dir, { 'p/file': '' })
    const path = join(dir, 'p/s')
    const listen = () =>
      new Promise<() => Promise<unknown>>((resolve) => {
        const server = createServer()
        server.listen(path, () => resolve(() => new Promise((done) => server.close(done))))
      })
    const close = await listen()
    let second: (() => Promise<unknown>) | undefined
    try {
      const { status, stderr } = await during(
        ['--write', '.', '--allow-socket', '/nowhere'],
        join(dir, 'p'),
        WAITING,
        async () => {
          await close()
          await sleep(200)
          second = await listen()
        },
      )
      assert.is(status, 125, stderr)
      assert.match(stderr, `what is hidden: ${path}\n`)
    } finally {
      await second?.()
    }
  }),
)

for (const [name, act] of [
  ['renamed over', (file: string) => replace(file)],
  [
    'removed and made anew',
    (file: string) => {
      unlinkSync(file)
      writeFileSync(file, 'NEW\n')
    },
  ],
  [
    'moved away and made anew',
    (file: string) => {
      renameSync(file, `${file}~`)
      writeFileSync(file, 'NEW\n')
    },
  ],
] as const)
  test(
    `no hidden file is ${name} without an end of the box, while the box reads it all the time`,
    inTemp(async (dir) => {
      for (let round = 0; round < ROUNDS; round++) {
        const p = join(dir, `p${round}`)
        make(p, { '.env': 'OLD\n' })
        const { status, before, stderr } = await during(HIDE, p, reading('.env'), () => act(`${p}/.env`))
        assert.is(status, 125, stderr)
        assert.is(before, 'started\n')
      }
    }),
  )

test(
  'what is replaced while a box starts is noticed, too',
  inTemp((dir) => {
    make(dir, PROJECT)
    const plan = planOf(['--cwd', '/', '--write', `${dir}/p`, '--hide', `${dir}/p/.env`, 'true'])
    const mounts = (plan.mounts as { type: string }[]).filter(({ type }) => type !== 'mask')
    const { status, stdout, stderr } = sidecar({ ...plan, mounts })
    assert.is(status, 125)
    assert.is(stdout, '')
    assert.is(stderr, `nsbox: mounts: the host replaced it while the box started: ${dir}/p/.env\n`)
  }),
)

test('only boxes that hide or keep files of the host are watched', () => {
  const watched = (...options: string[]): boolean => 'helpers' in planOf([...options, 'true'])
  for (const options of [
    ['--hide', '/etc/shadow'],
    ['--mask', '/etc/shadow'],
    ['--keep', '/etc'],
    ['--hide', '/etc/*~'],
  ])
    assert.ok(watched(...options), options.join(' '))
  for (const options of [
    [],
    ['--ro'],
    ['--write', '/tmp'],
    ['--overlay', '--hide', '/etc/shadow'],
    ['--tmpfs', '/tmp', '--mask', '/tmp'],
    ['--user', '0', '--cap-add', 'sys_admin', '--hide', '/etc/shadow'],
  ])
    assert.not(watched(...options), options.join(' '))
})

test(
  'the library says which path it was',
  inTemp(async (dir) => {
    const p = join(dir, 'p')
    make(dir, PROJECT)
    const running = box({ cwd: p, write: p, hide: `${p}/.env` }).run(['sh', '-c', 'touch started; sleep 60'])
    const wait = async () => {
      while (!(await Bun.file(`${p}/started`).exists())) await sleep(20)
      replace(`${p}/.env`)
    }
    const [result] = await Promise.allSettled([running, wait()])
    const error = result.status === 'rejected' ? result.reason : undefined
    assert.instance(error, SandboxError)
    assert.is(error.step, 'mounts')
    assert.is(error.path, `${p}/.env`)
    assert.match(error.hint ?? '', 'review')
  }),
)

if (asRoot)
  test(
    'a box without a process namespace of its own ends, too',
    inTemp(async (dir) => {
      const p = join(dir, 'p')
      make(dir, PROJECT)
      const { status, stderr } = await during(['--share', 'pid', ...HIDE], p, WAITING, () => replace(`${p}/.env`))
      assert.is(status, 125, stderr)
    }),
  )

test.run()
