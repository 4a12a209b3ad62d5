/** nsbox ps, and boxes by their names. */
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { box } from '../../src/index.ts'
import { asRoot, execute, failure, inTemp, NSBOX, nsbox, planOf, type Ran } from '../helpers/nsbox.ts'
import { Pty } from '../helpers/pty.ts'
import { end, inBox, waitFor } from '../helpers/running-box.ts'

type Listed = { pid: number; name: string | null; uid: number; command: string[] | null; root: string; age: number }

const uid = process.getuid?.() ?? 0
/** Other tests have boxes of their own. */
const listed = (...pids: (number | undefined)[]): Listed[] =>
  (JSON.parse(nsbox(['ps', '--json']).stdout) as Listed[]).filter(({ pid }) => pids.includes(pid))
const lineOf = (pid: number, { stdout }: Ran = nsbox(['ps'])): string | undefined =>
  stdout.split('\n').find((line) => line.startsWith(`${pid} `))
/** A name that no other run of this test uses. */
const unique = (name: string): string => `${name}-${process.pid}`

test('a box is listed with its number, name, root, age and command, until it ends', async () => {
  const name = unique('web')
  let last = 0
  await inBox(['--name', name, '--tmpfs', '/tmp', '--cwd', '/'], (pid) => {
    last = pid
    const [row] = listed(pid)
    assert.is(row?.name, name)
    assert.equal([row?.uid, row?.root, row?.command], [uid, '/', ['sh', '-c', 'echo ready; read x']])
    assert.ok(Number(row?.age) >= 0 && Number(row?.age) < 600, String(row?.age))
    const fields = lineOf(pid)?.split(/ {2,}/) ?? []
    assert.equal(
      fields.filter((_, n) => n !== (asRoot ? 3 : 2)),
      [String(pid), ...(asRoot ? ['root'] : []), name, '/', "sh -c 'echo ready; read x'"],
    )
    assert.ok(nsbox(['ps', '-q']).stdout.split('\n').includes(name))
  })
  assert.equal(listed(last), [])
})

test('enter takes a name; two boxes with one name are both listed', async () => {
  const name = unique('twin')
  await inBox(['--name', name, '--env', 'BOX=first'], async (first) => {
    assert.is(nsbox(['enter', name, 'sh', '-c', 'echo $BOX']).stdout, 'first\n')
    await inBox(['--name', name, '--env', 'BOX=second'], (second) => {
      const { status, stderr } = nsbox(['enter', name, 'true'])
      assert.is(status, 125)
      assert.match(stderr, new RegExp(`^nsbox: enter: 2 boxes have this name: ${name}\nhint: say which: .*\n$`))
      for (const pid of [first, second]) assert.ok(stderr.includes(`${pid} (sh -c echo ready; read x)`), stderr)
      const words = nsbox(['ps', '-q']).stdout.split('\n')
      assert.ok(words.includes(String(first)) && words.includes(String(second)) && !words.includes(name))
      assert.is(nsbox(['enter', String(second), 'sh', '-c', 'echo $BOX']).stdout, 'second\n')
    })
  })
  failure(nsbox(['enter', name, 'true']), /^nsbox: enter: no box of yours has this name: twin-\d+\nhint: /)
})

test(
  'a command that has entered is no box; baked boxes, stored plans and boxes of programs have names',
  inTemp(async (dir) => {
    const name = unique('made')
    await inBox(['--name', name], async (pid) => {
      const entered = spawn(NSBOX, ['enter', name, 'sh', '-c', 'echo in; read x'], {
        stdio: ['pipe', 'pipe', 'inherit'],
      })
      try {
        await new Promise((resolve) => entered.stdout.once('data', resolve))
        assert.is(listed(pid, entered.pid).length, 1)
      } finally {
        await end(entered)
      }
    })
    const program = join(dir, 'baked')
    assert.is(nsbox(['bake', '-o', program, '--name', name, 'sh', '-c', 'echo ready; read x']).status, 0)
    await inBox([], (pid) => assert.is(listed(pid)[0]?.name, name), program)
    const plan = join(dir, 'plan.json')
    writeFileSync(plan, JSON.stringify(planOf(['--name', 'other', 'true'])))
    assert.is(nsbox(['run', '--plan', plan, '--name', name]).status, 0)
    const live = await box({ name }).open()
    try {
      const [row] = listed(live.pid)
      assert.equal([row?.name, row?.command], [name, null])
      assert.is(nsbox(['enter', name, 'echo', 'in']).stdout, 'in\n')
    } finally {
      await live.close()
    }
  }),
)

test('no odd word is a name', () => {
  for (const name of ['1234', '-a', '.', 'a b', 'a/b', 'a\nb', '\x1b[31m', 'ä', 'a'.repeat(65)])
    assert.is(nsbox([`--name=${name}`, 'true']).status, 2, name)
  for (const name of ['a', '_', '1a', 'a.b-c_d', 'a'.repeat(64)])
    assert.is(nsbox(['--name', name, 'true']).status, 0, name)
  assert.match(nsbox(['enter', 'a b', 'true']).stderr, /^nsbox: enter: 'a b' is neither a process number nor the name/)
  assert.match(nsbox(['enter', '1', '--name', 'x', 'true']).stderr, /^nsbox: --name: the box is made already/)
})

test('a plan by hand may have any name and words, and neither forges a line nor reaches the terminal', async () => {
  const name = 'x\n1234  root\x1b[2J\x9b0m'
  const plan = { ...planOf(['sh', '-c', 'echo ready; read x', '\x1b]0;title\x07', '\r\n999  evil\u2028']), name }
  await withPlan(plan, (pid) => {
    const { stdout } = nsbox(['ps'])
    assert.not.match(stdout, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028]/)
    assert.not.match(stdout, /^(1234|999) /m)
    assert.ok(lineOf(pid)?.includes('x\\x0a1234  root\\x1b[2J'), lineOf(pid) ?? stdout)
    assert.is(listed(pid)[0]?.name, name)
    assert.ok(nsbox(['ps', '-q']).stdout.split('\n').includes(String(pid)))
  })
})

async function withPlan(plan: unknown, body: (pid: number) => void): Promise<void> {
  await inTemp(async (dir) => {
    const path = join(dir, 'plan.json')
    writeFileSync(path, JSON.stringify(plan))
    const child = spawn(NSBOX, ['run', '--plan', path], { stdio: ['pipe', 'pipe', 'inherit'] })
    try {
      await new Promise((resolve) => child.stdout.once('data', resolve))
      body(child.pid ?? 0)
    } finally {
      await end(child)
    }
  })()
}

/** Becomes a process that looks like nsbox's: its name, its words, a file in memory with a plan in it. */
const FORGE = `
import os, sys, ctypes, time
libc = ctypes.CDLL(None)
libc.prctl(15, sys.argv[1].encode(), 0, 0, 0)
fd = os.memfd_create('nsbox-plan')
os.write(fd, sys.argv[2].encode())
sys.stdout.write('ready\\n'); sys.stdout.flush()
sys.stdin.read(1)
`

test('a process in a box that poses as nsbox, as its init or with a plan is not listed, and is not entered', async () => {
  const forged = JSON.stringify({ ...planOf(['--privileged', 'true']), name: unique('forged') })
  for (const [comm, how] of [
    ['nsbox', []],
    ['nsbox', ['--no-init']],
    ['box-init', []],
    ['nsbox-watchdog', ['--no-init']],
  ] as const) {
    const child = spawn(NSBOX, [...how, 'python3', '-c', FORGE, comm, forged], { stdio: ['pipe', 'pipe', 'inherit'] })
    try {
      await new Promise((resolve) => child.stdout.once('data', resolve))
      const all = JSON.parse(nsbox(['ps', '--json']).stdout) as Listed[]
      assert.is(all.filter((row) => row.name === unique('forged')).length, 0)
      assert.is(listed(child.pid).length, 1)
      failure(nsbox(['enter', unique('forged'), 'true']), /no box of yours has this name/)
    } finally {
      await end(child)
    }
  }
})

test('what only looks like a box of yours outside is no plan, and breaks nothing', async () => {
  for (const text of ['', '{', '{"contract":99}', '[]', '\0', '{"contract":2}']) {
    const child = spawn('python3', ['-c', FORGE, 'nsbox', text.replace('\0', '')], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    try {
      await new Promise((resolve) => child.stdout.once('data', resolve))
      const { status, stderr } = nsbox(['ps'])
      assert.equal([status, stderr], [0, ''])
      assert.is(lineOf(child.pid ?? 0) === undefined, !text.includes('99'))
    } finally {
      await end(child)
    }
  }
})

const asRootOnly = asRoot ? test : test.skip
asRootOnly('root sees the boxes of all users, with their users, and enters none of them by name', async () => {
  const name = unique('theirs')
  const child = spawn(
    'setpriv',
    ['--reuid=5001', '--regid=5001', '--clear-groups', NSBOX, '--name', name, 'sh', '-c', 'echo ready; read x'],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
      cwd: '/',
      env: { PATH: process.env.PATH, HOME: '/' },
    },
  )
  try {
    await new Promise((resolve) => child.stdout.once('data', resolve))
    assert.is(listed(child.pid)[0]?.uid, 5001)
    assert.match(lineOf(child.pid ?? 0) ?? '', /^\d+ +5001 +theirs-/)
    assert.not.ok(nsbox(['ps', '-q']).stdout.includes(name))
    failure(nsbox(['enter', name, 'true']), /no box of yours has this name/)
    const { stdout } = execute('setpriv', ['--reuid=5002', '--regid=5002', '--clear-groups', NSBOX, 'ps'], {
      cwd: '/',
      env: { PATH: process.env.PATH },
    })
    assert.is(stdout, 'PID  NAME  AGE  ROOT  COMMAND\n')
  } finally {
    await end(child)
  }
})

test('on a terminal a row is a line of it', async () => {
  const child = spawn(NSBOX, ['--name', unique('long'), 'sh', '-c', 'echo ready; read x', 'w'.repeat(300)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  try {
    await new Promise((resolve) => child.stdout.once('data', resolve))
    const pty = new Pty([NSBOX, 'ps'])
    await pty.exited()
    await waitFor(() => pty.shown.includes(String(child.pid)), 'the box is not shown')
    for (const line of pty.shown.split('\r\n')) assert.ok([...line].length <= 80, line)
    assert.match(pty.shown, /w…\r\n/)
    await pty.end()
  } finally {
    await end(child)
  }
})

test.run()
