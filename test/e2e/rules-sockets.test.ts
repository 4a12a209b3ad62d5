/** The host's Unix sockets can't be reached from a box that hides them, and the box's own can. */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot, execute, inTemp, INTERFACES, NSBOX, nsbox } from '../helpers/nsbox.ts'

/** Listens on the sockets of its arguments until its input ends. */
const LISTEN = `
import os, socket, sys
kept = []
for path in sys.argv[1:]:
    s = socket.socket(socket.AF_UNIX); s.bind(path); os.chmod(path, 0o777); s.listen(5); kept.append(s)
print('ready', flush=True)
sys.stdin.read()
`

/** Prints the numbers of the arguments that it can connect to; then whether sockets of its own work. */
const CONNECT = `
import os, socket, sys, tempfile
reached = []
for n, path in enumerate(sys.argv[1:]):
    s = socket.socket(socket.AF_UNIX)
    try:
        s.connect(path); reached.append(n)
    except OSError:
        pass
a, b = socket.socketpair()
a.send(b'own'); assert b.recv(3) == b'own'
d = tempfile.mkdtemp()
s = socket.socket(socket.AF_UNIX); s.bind(d + '/s'); s.listen(1)
socket.socket(socket.AF_UNIX).connect(d + '/s')
print(reached)
`

async function listening<T>(paths: readonly string[], body: () => T | Promise<T>): Promise<T> {
  const server = spawn('python3', ['-c', LISTEN, ...paths], { stdio: ['pipe', 'pipe', 'inherit'] })
  try {
    await new Promise((resolve) => server.stdout.once('data', resolve))
    return await body()
  } finally {
    server.stdin.end()
    await new Promise((resolve) => server.on('exit', resolve))
  }
}

for (const { name, box } of INTERFACES)
  test(
    `sockets of the host are hidden, but for those that are allowed (${name})`,
    inTemp(async (dir) => {
      for (const name of ['only', 'both', 'far/deep/er/and/deep/er']) mkdirSync(join(dir, name), { recursive: true })
      writeFileSync(join(dir, 'both/file'), '')
      const paths = ['s', 'only/s', 'both/s', 'far/deep/er/and/deep/er/s'].map((path) => join(dir, path))
      await listening(paths, () => {
        const reached = (...options: string[]) => {
          const { stdout, stderr } = box([...options, '--cwd', '/', 'python3', '-c', CONNECT, ...paths])
          assert.match(stdout, /^\[.*\]\n$/, stderr)
          return stdout.trim()
        }
        assert.is(reached(), '[0, 1, 2, 3]')
        assert.is(reached('--allow-socket', join(dir, 'none')), '[]')
        assert.is(reached('--allow-socket', join(dir, 'none'), '--net', 'none'), '[]')
        assert.is(reached('--allow-socket', paths[0] as string, '--allow-socket', join(dir, 'far')), '[0, 3]')
        assert.is(reached('--allow-socket', join(dir, 'only'), '--write', '/', '--hide', paths[0] as string), '[1]')
        assert.is(reached('--allow-socket', '/'), '[0, 1, 2, 3]')
        assert.is(reached('--allow-socket', '/none', '--map-root'), '[]')
      })
    }),
  )

test('a directory of sockets alone is hidden with those that come later, and one with other files stays', async () => {
  // Such directories are looked for near the top of /tmp.
  const dir = mkdtempSync('/tmp/nsbox-')
  try {
    for (const name of ['only', 'both']) mkdirSync(join(dir, name))
    writeFileSync(join(dir, 'both/file'), '')
    await listening([join(dir, 'only/a'), join(dir, 'both/a')], () => {
      const { stdout, stderr } = nsbox(['--allow-socket', '/none', 'ls', join(dir, 'only'), join(dir, 'both')])
      assert.is(stdout, `${dir}/both:\na\nfile\n\n${dir}/only:\n`, stderr)
    })
  } finally {
    rmSync(dir, { recursive: true })
  }
})

test(
  'directories of sockets in a home are hidden with those that come later: known ones, and hidden ones that have nothing else',
  inTemp(async (dir) => {
    for (const name of ['.docker/run', '.own/only', '.own/both', 'work'])
      mkdirSync(join(dir, name), { recursive: true })
    for (const name of ['.docker/run/file', '.own/both/file']) writeFileSync(join(dir, name), '')
    const known = join(dir, '.docker/run')
    await listening(
      ['.own/only/a', '.own/both/a', 'work/a'].map((name) => join(dir, name)),
      () => {
        const env = { ...process.env, HOME: dir }
        const ls = ['ls', '.docker/run', '.own/both', '.own/only', 'work']
        const listed = (...options: string[]) =>
          execute(NSBOX, [...options, ...ls], { cwd: dir, env }).stdout.replaceAll(/\s+/g, ' ')
        const hidden = '.docker/run: .own/both: a file .own/only: work: a '
        assert.is(listed('--allow-socket', '/none'), hidden)
        assert.is(listed('--write', '.', '--allow-socket', '/none'), hidden)
        for (const path of [known, `${known}/s`, dir, '/'])
          assert.match(listed('--allow-socket', path), /^\.docker\/run: file /, path)
        assert.match(listed('--allow-socket', '/none', '--write', known), /^\.docker\/run: file /)
        assert.match(listed('--allow-socket', '/none', '--ro-bind', known), /^\.docker\/run: file /)
        const { stdout } = execute(NSBOX, ['why', '--allow-socket', '/none', known], { cwd: dir, env })
        assert.match(stdout, /read: {2}no: .* is a directory of sockets: --allow-socket .* shows it/)
      },
    )
  }),
)

test(
  'where a bind shows a directory of the host, its sockets are hidden there too; a socket that is bound is meant',
  inTemp(async (dir) => {
    for (const name of ['d', 'r']) mkdirSync(join(dir, name))
    const socket = join(dir, 'd/s')
    await listening([socket], () => {
      const root = ['bin', 'lib', 'lib64', 'usr', 'etc', 'opt'].flatMap((name) => ['--ro-bind-try', `/${name}`])
      const own = ['--root', join(dir, 'r'), ...root, '--tmpfs', '/tmp', '--proc', '--bind', `${dir}/d:/d`]
      const connect = ['python3', '-c', CONNECT, '/d/s', '/one']
      const run = (...options: string[]) => {
        const { stdout, stderr } = nsbox([...own, ...options, ...connect])
        return stdout.trim() || stderr
      }
      assert.is(run(), '[0]')
      assert.is(run('--allow-socket', '/none'), '[]')
      assert.is(run('--bind', `${socket}:/one`, '--allow-socket', '/none'), '[0, 1]')
      rmSync(join(dir, 'd/s'), { force: true })
    })
  }),
)

/** System calls of the program that hides sockets, where N directories with one in each are in /tmp. */
function callsWith(n: number): number {
  const script = `
    for d in /tmp /run /var/tmp; do mount -t tmpfs none $d; done
    cd /tmp; mkdir -p $(seq -f d%g/below $1)
    strace -f -qq -s 9999 -o /run/log "$0" --allow-socket /none --cwd / true && cat /run/log`
  const alone = asRoot ? ['--propagation', 'private'] : ['--user', '--map-root-user']
  const { stdout, stderr } = execute('unshare', [...alone, '--mount', '--net', 'bash', '-c', script, NSBOX, String(n)])
  const lines = stdout.split('\n')
  const [, pid = 'none'] = /^(\d+) +(?=exec.*"nsbox-hide")/m.exec(stdout) ?? []
  const own = lines.filter((line) => line.startsWith(`${pid} `) && !line.includes('resumed>'))
  assert.ok(own.length > 2 * n, stderr + lines.slice(-20).join('\n'))
  return own.length
}

test('to look for sockets takes five system calls a directory: to open, to know the file system, to read, to close', () => {
  assert.is(callsWith(60) - callsWith(10), 50 * 2 * 5)
})

test.run()
