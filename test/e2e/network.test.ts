/** A box that may connect to hosts by their names: all ways past it. What programs do there: network-clients.test.ts. */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot, execute, inTemp, nsbox, NSBOX } from '../helpers/nsbox.ts'
import { nsboxAmong, serve } from '../helpers/named-hosts.ts'
import { serveFiles } from '../helpers/served-files.ts'

const HOSTS = '127.0.0.1 registry.test\n127.0.0.1 other.test\n127.0.0.1 below.registry.test\n'

test(
  'another name, a name below, another port, an address and what is wired into programs lead nowhere, at once',
  inTemp(async (dir) => {
    const server = await serveFiles(dir)
    const second = await serveFiles(join(dir, 'second'))
    const here = `http://registry.test:${server.port}`
    try {
      for (const [command, says] of [
        [`curl -sS ${here}/page`, /^hello\n0\n$/],
        [`curl -sS --noproxy '*' http://other.test:${server.port}/page`, /^6\n$/],
        [`curl -sS http://below.registry.test:${server.port}/page`, /^6\n$/],
        [`curl -sS http://registry.test:${second.port}/page`, /^7\n$/],
        [`curl -sS http://127.0.0.1:${server.port}/page`, /^7\n$/],
        [`curl -sS 'http://[::1]:${server.port}/page'`, /^7\n$/],
        [`curl -sS -m 5 http://192.0.2.1:${server.port}/page`, /^7\n$/],
        [`curl -sS -m 5 http://169.254.169.254/latest/meta-data`, /^7\n$/],
        [`curl -sS -m 5 --connect-to ::192.0.2.1: ${here}/page`, /^7\n$/],
        [`curl -sS -m 5 --resolve registry.test:${server.port}:127.0.0.1 ${here}/page`, /^7\n$/],
        ['getent hosts outside.test', /^2\n$/],
        [
          "python3 -c \"import socket as s; s.socket(s.AF_INET, s.SOCK_DGRAM).sendto(b'x', ('8.8.8.8', 53))\" 2>/dev/null",
          /^1\n$/,
        ],
      ] as const) {
        const { status, stdout, stderr } = await nsboxAmong(dir, `${HOSTS}192.0.2.7 outside.test\n`, [
          ...['--allow-host', `registry.test:${server.port}`, '--allow-private'],
          ...['sh', '-c', `${command} 2>/dev/null; echo $?`],
        ])
        assert.is(status, 0, stderr)
        assert.match(stdout, says, command)
      }
      assert.equal(server.asked, ['registry.test /page'])
      assert.equal(second.asked, [])
    } finally {
      server.close()
      second.close()
    }
  }),
)

test(
  'an allowed name that stands for this machine is refused, and an event says so',
  inTemp(async (dir) => {
    const server = await serveFiles(dir)
    try {
      const { stdout, events } = await nsboxAmong(dir, HOSTS, [
        ...['--allow-host', `registry.test:${server.port}`, '--status-fd', '3'],
        ...[
          'sh',
          '-c',
          `curl -4 -sS http://registry.test:${server.port}/page 2>/dev/null; echo $?; getent hosts other.test`,
        ],
      ])
      assert.is.not(stdout.split('\n')[0], '0')
      assert.equal(server.asked, [])
      const about = events.filter(({ event }) => event === 'connect' || event === 'resolve')
      assert.equal(about, [
        {
          event: 'connect',
          host: 'registry.test',
          port: server.port,
          allowed: false,
          reason: 'address',
          address: '127.0.0.1',
          range: 'loopback',
        },
        { event: 'resolve', host: 'other.test', allowed: false, reason: 'name' },
      ])
    } finally {
      server.close()
    }
  }),
)

test(
  'events tell of each connection: name, port, verdict, bytes; and a stored plan and a baked box do the same',
  inTemp(async (dir) => {
    const server = await serveFiles(dir)
    const options = ['--allow-host', `*.registry.test:${server.port}`, '--allow-private', '--status-fd', '3']
    // Of one family, or curl tries the other one where the first is slow, which is a second connection.
    const command = ['curl', '-4sS', `http://below.registry.test:${server.port}/page`]
    const plan = join(dir, 'plan.json')
    writeFileSync(plan, nsbox(['plan', ...options, '--cwd', '/', ...command]).stdout)
    const baked = join(dir, 'baked')
    assert.is(nsbox(['bake', '-o', baked, ...options, ...command]).status, 0)
    try {
      for (const [args, program] of [
        [[...options, ...command], NSBOX],
        [['run', '--plan', plan], NSBOX],
        [[], baked],
      ] as const) {
        const { status, stdout, stderr, events } = await nsboxAmong(dir, HOSTS, args, { program })
        assert.is(status, 0, stderr)
        assert.is(stdout, 'hello\n')
        const connections = events.filter(({ event }) => event === 'connect')
        assert.is(connections.length, 1)
        const { bytesSent, bytesReceived, ...connection } = connections[0] ?? {}
        assert.equal(connection, {
          event: 'connect',
          host: 'below.registry.test',
          port: server.port,
          allowed: true,
          address: '127.0.0.1',
        })
        assert.ok(Number(bytesSent) > 20 && Number(bytesReceived) > 20)
      }
    } finally {
      server.close()
    }
  }),
)

test(
  'what a command has sent when it ends still arrives, whole',
  inTemp(async (dir) => {
    const BYTES = 3_000_000
    let got = 0
    const server = createServer((socket) => socket.on('data', (data) => (got += data.length)).on('error', () => {}))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const script = `import os, socket; s = socket.create_connection(('registry.test', ${port})); s.sendall(b'x' * ${BYTES}); os._exit(0)`
    try {
      const { status, stderr, events } = await nsboxAmong(dir, HOSTS, [
        ...['--allow-host', `registry.test:${port}`, '--allow-private', '--status-fd', '3', 'python3', '-c', script],
      ])
      assert.is(status, 0, stderr)
      const { bytesSent } = events.find(({ event }) => event === 'connect') ?? {}
      assert.is(bytesSent, BYTES)
      for (let n = 0; n < 500 && got < BYTES; n++) await Bun.sleep(10)
      assert.is(got, BYTES)
    } finally {
      server.close()
    }
  }),
)

test(
  'a published port of this machine is a port of the box, and ends with it',
  inTemp(async (dir) => {
    const server = await serve(() => {})
    server.close()
    const { port } = server
    const ready = join(dir, 'ready')
    const serving = `require('net').createServer((c) => c.end('of the box')).listen(80, '127.0.0.1', () => require('fs').writeFileSync('${ready}', ''))`
    const child = spawn(NSBOX, ['-p', `${port}:80`, '--cwd', '/', process.execPath, '-e', serving], {
      stdio: 'inherit',
    })
    const ended = new Promise((resolve) => child.on('exit', resolve))
    const read = () => execute('curl', ['-sS', '--http0.9', `http://127.0.0.1:${port}/`])
    try {
      for (let n = 0; n < 500 && !existsSync(ready) && child.exitCode === null; n++) await Bun.sleep(20)
      assert.match(read().stdout, /^of the box/)
    } finally {
      child.kill()
      await ended
    }
    assert.is(read().status, 7)
  }),
)

test(
  'when the program outside is killed, the box ends with 125',
  inTemp(async () => {
    const child = spawn(
      NSBOX,
      ['--allow-host', 'registry.test', '--cwd', '/', 'sh', '-c', 'echo runs; exec sleep 60'],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    let stderr = ''
    child.stderr.on('data', (data) => {
      stderr += data
    })
    const ended = new Promise((resolve) => child.on('close', resolve))
    await new Promise((resolve) => child.stdout.once('data', resolve))
    process.kill(helperOf(child.pid ?? 0), 'SIGKILL')
    assert.is(await ended, 125)
    assert.match(stderr, /^nsbox: helpers: the helper has ended, and the box with it: net\n$/)
  }),
)

/** The child of nsbox that is no process of the box. */
function helperOf(supervisor: number): number {
  const children = readFileSync(`/proc/${supervisor}/task/${supervisor}/children`, 'latin1').trim().split(' ')
  const found = children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith('nsbox-net\0'))
  assert.ok(found, `no helper among ${children.join()}`)
  return Number(found)
}

/** Boxes at a time, and how often; 1000 at once, and 50 for 200 times, are for trying by hand. */
const AT_ONCE = Number(process.env.NSBOX_TEST_NETWORKS ?? 50)
const ROUNDS = Number(process.env.NSBOX_TEST_NETWORK_ROUNDS ?? 1)

test(
  'the first call of each of many boxes succeeds; they leave no process, and the host as it was',
  inTemp(async (dir) => {
    const server = await serveFiles(dir)
    const helpers = () =>
      readdirSync('/proc').filter((pid) => {
        try {
          return (
            /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(`registry.test:${server.port}`)
          )
        } catch {
          return false
        }
      })
    // As of somebody who has used nsbox before: boxes that make these at the same time may meet each other's undoing.
    if (!asRoot)
      for (const own of ['.config/nsbox', '.local/state/nsbox', '.cache/nsbox'])
        mkdirSync(join(process.env.HOME ?? '', own), { recursive: true, mode: 0o700 })
    const links = () => execute('ip', ['-o', 'link']).stdout.split('\n').length
    const before = links()
    try {
      for (let round = 0; round < ROUNDS; round++) {
        const ran = await Promise.all(
          Array.from({ length: AT_ONCE }, () =>
            nsboxAmong(dir, HOSTS, [
              ...['--allow-host', `registry.test:${server.port}`, '--allow-private'],
              ...['busybox', 'wget', '-qO-', `http://registry.test:${server.port}/page`],
            ]),
          ),
        )
        for (const { status, stdout, stderr } of ran) {
          assert.is(stderr, '')
          assert.is(status, 0)
          assert.is(stdout, 'hello\n')
        }
      }
      // What the program outside has started ends with it, a moment later.
      for (let n = 0; n < 500 && helpers().length > 0; n++) await Bun.sleep(10)
      assert.equal(helpers(), [])
      assert.is(links(), before)
    } finally {
      server.close()
    }
  }),
)

test.run()
