/** Processes that pose as a box, and boxes of other users, are not entered. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, chmodSync, copyFileSync, existsSync, readFileSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot, execute, failure, inTemp, NSBOX, SANITIZED } from '../helpers/nsbox.ts'
import { end, enter, inBox, waitFor } from '../helpers/running-box.ts'

/** A program with a plan at its end that asks for all privileges, as a box could make one. */
function forged(dir: string): string {
  const file = join(dir, 'busybox')
  const plan = Buffer.from(
    JSON.stringify({
      contract: 2,
      namespaces: ['mount'],
      root: { type: 'directory', path: '/' },
      process: { argv: ['x'], capabilities: ['sys_admin', 'dac_override'] },
    }),
  )
  const end = Buffer.alloc(16)
  end.writeBigUInt64LE(BigInt(plan.length))
  end.write('NSBOXPLN', 8, 'latin1')
  copyFileSync('/bin/busybox', file)
  appendFileSync(file, Buffer.concat([plan, end]))
  return file
}

/** A program that claims to have a plan of this many bytes at its end. The file has a hole of that size. */
function claiming(dir: string, length: bigint, hole: number): string {
  const file = join(dir, 'busybox')
  const end = Buffer.alloc(16)
  end.writeBigUInt64LE(length)
  end.write('NSBOXPLN', 8, 'latin1')
  copyFileSync('/bin/busybox', file)
  truncateSync(file, statSync(file).size + hole)
  appendFileSync(file, end)
  chmodSync(file, 0o755)
  return file
}

/** Runs the body while this program sleeps in our own namespaces. */
async function asleep(command: readonly string[], body: (pid: number) => void): Promise<void> {
  const [program = '', ...args] = command
  const child = spawn(program, args, { cwd: '/', stdio: 'ignore' })
  try {
    await waitFor(
      () => readFileSync(`/proc/${child.pid}/cmdline`, 'latin1').includes('busybox\0sleep'),
      'it did not start',
    )
    body(child.pid ?? 0)
  } finally {
    await end(child)
  }
}

for (const [length, hole] of [
  [0xffffffffffffffffn, 0],
  [0x100000000n, 0x100000000],
  [300000000n, 300000000],
  [0x8000000000000000n, 0],
  [0n, 0],
] as const) {
  test(
    `a program that claims to have a plan of ${length} bytes is no box, and not read`,
    inTemp((dir) =>
      asleep([claiming(dir, length, hole), 'sleep', '1000'], (pid) => {
        const { status, stderr } = execute('sh', [
          '-c',
          `ulimit -v ${SANITIZED ? 'unlimited' : 120_000_000}; exec "$0" enter "$1" true`,
          NSBOX,
          String(pid),
        ])
        assert.is(status, 125)
        assert.match(
          stderr,
          length === 0n
            ? /^nsbox: read plan: /
            : new RegExp(`^nsbox: enter: no box of yours has this process: ${pid}\n`),
        )
      }),
    ),
  )
}

if (asRoot) {
  test(
    "root reads nothing about another user's process but its owner",
    inTemp((dir) => {
      chmodSync(dir, 0o755)
      return asleep(
        ['setpriv', '--reuid', '5001', '--regid', '5001', '--clear-groups', claiming(dir, 16n, 16), 'sleep', '1000'],
        (pid) => {
          const trace = join(dir, 'trace')
          const { status, stderr } = execute('strace', [
            '-f',
            '-q',
            '-e',
            'trace=%file',
            '-o',
            trace,
            NSBOX,
            'enter',
            String(pid),
            'true',
          ])
          assert.is(status, 125)
          assert.match(stderr, new RegExp(`^nsbox: enter: belongs to another user: ${pid}\n`, 'm'))
          // nsbox opens the directory of each process once, and everything after that is about it.
          const looks = readFileSync(trace, 'latin1').split(/"\/proc\/(\d+)", O_/)
          const about = looks.filter((_, i) => i % 2 === 0 && looks[i - 1] === String(pid))
          assert.ok(about.length > 0 && about.some((calls) => calls.includes('/status"')))
          for (const calls of about) assert.not.match(calls, /\/(exe|fd|fd\/\d+)", O_/)
        },
      )
    }),
  )
}

/** A sleep time that no other test run uses. */
const LONG = 100000 + process.pid

for (const flags of [
  ['--net', 'none'],
  ['--share', 'pid'],
]) {
  test(
    `CVE-2022-31214: a process of the box that poses as a box is not taken for one (${flags.join(' ')})`,
    inTemp((dir) => {
      forged(dir)
      return inBox(
        ['--bind', `${dir}:/mnt`, ...flags],
        async (pid) => {
          const found = () =>
            Number(
              execute('pgrep', ['-f', `^/mnt/busybox sleep ${LONG}`])
                .stdout.trim()
                .split('\n')[0],
            )
          await waitFor(() => found() > 0, 'the poser did not start')
          try {
            const { stdout, stderr } = enter(found(), 'grep', 'CapBnd', '/proc/self/status')
            // With the host's processes visible, nsbox isn't dumpable, so no box is found.
            if (flags.includes('pid') && !asRoot) {
              assert.match(stderr, /^nsbox: enter: no box of yours has this process: /)
              return
            }
            assert.is(stdout, enter(pid, 'grep', 'CapBnd', '/proc/self/status').stdout, stderr)
            assert.match(stdout, 'CapBnd')
          } finally {
            process.kill(found(), 'SIGKILL')
          }
        },
        NSBOX,
        `/mnt/busybox sleep ${LONG} & echo ready; read x`,
      )
    }),
  )
}

if (asRoot) {
  test(
    "nobody enters a box of another user: root does not, and no user enters one of root's",
    inTemp(async (dir) => {
      const user = ['--reuid', '5001', '--regid', '5001', '--clear-groups']
      const box = spawn('setpriv', [...user, NSBOX, 'sh', '-c', 'echo ready; read x'], {
        cwd: '/',
        stdio: ['pipe', 'pipe', 'inherit'],
      })
      await once(box.stdout, 'data')
      try {
        failure(enter(box.pid ?? 0, 'true'), /^nsbox: enter: belongs to another user: \d+\nhint: /)
      } finally {
        await end(box)
      }
      await inBox([], (pid) =>
        failure(
          execute('setpriv', [...user, NSBOX, 'enter', String(pid), 'true'], { cwd: '/' }),
          /^nsbox: enter: belongs to another user: \d+\n/,
        ),
      )
      assert.ok(existsSync(dir))
    }),
  )
}

test.run()
