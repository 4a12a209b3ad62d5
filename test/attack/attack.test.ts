/** The attack suite: test/c/attack.c inside real boxes. None of its attempts may succeed. */
import { chmodSync, copyFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot, BIN, busyboxRoot, execute, hasScopes, INTERFACES, inTemp, nsbox, NSBOX } from '../helpers/nsbox.ts'

const ATTACK = join(BIN, 'attack')

type Result = { open: string[]; notHere: string[]; count: number }

function read(text: string): Result {
  const lines = text
    .trim()
    .split(/\r?\n/)
    .map((line) => line.split(' '))
  const named = (word: string) => lines.filter(([, verdict]) => verdict === word).map(([name = '']) => name)
  for (const [name, verdict] of lines)
    assert.ok(['open', 'closed', 'n/a'].includes(verdict ?? ''), `${name} ${verdict}`)
  return { open: named('open'), notHere: named('n/a'), count: lines.length }
}

/** With --no-init process 1 is the command itself, and may look at itself. */
const OWN = ['memory_of_init', 'environment_of_init', 'trace_init', 'memory_by_call']

function ownRoot(dir: string): string {
  const root = busyboxRoot(join(dir, 'r'), ['proc', 'dev', 'tmp', 'sys'])
  copyFileSync(ATTACK, join(root, 'bin/attack'))
  copyFileSync(ATTACK, join(root, 'bin/setuid-program'))
  chmodSync(join(root, 'bin/setuid-program'), 0o4755)
  return root
}

for (const { name, box } of INTERFACES) {
  for (const flags of [
    [],
    ['--ro'],
    ['--overlay'],
    ['--userns'],
    ['--map-root'],
    ['--new-session'],
    ['--no-init'],
    ['--share', 'ipc,uts,cgroup'],
    ['--nest'],
  ]) {
    test(`no attempt succeeds on the host's root (${[name, ...flags].join(' ')})`, () => {
      const { status, stdout, stderr } = box([...flags, ATTACK])
      assert.is(status, 0, stderr)
      const { open, notHere, count } = read(stdout)
      assert.equal(open, flags[0] === '--no-init' ? OWN : [])
      assert.ok(count - notHere.length >= 60, `${count - notHere.length} attempts were made`)
    })

    test(
      `no attempt succeeds in a root of its own (${[name, ...flags].join(' ')})`,
      inTemp((dir) => {
        const { status, stdout, stderr } = box(['--root', ownRoot(dir), ...flags, '--bind', `${dir}:/tmp`, 'attack'])
        assert.is(status, 0, stderr)
        const { open, notHere, count } = read(stdout)
        assert.equal(open, flags[0] === '--no-init' ? OWN : [])
        assert.ok(count - notHere.length >= 60, `${count - notHere.length} attempts were made`)
      }),
    )
  }
}

test('with --allow-userns user namespaces are open, and nothing else', () => {
  for (const flags of [[], ['--ro'], ['--map-root']])
    assert.equal(
      read(nsbox(['--allow-userns', ...flags, ATTACK]).stdout).open,
      ['unshare_user', 'clone_user', 'clone3_user'],
      flags.join(' '),
    )
})

test('the suite finds what is open: a box without protections', () => {
  const { stdout } = nsbox([...(asRoot ? [] : ['--map-root', '--cap-add', 'all']), '--privileged', '--quiet', ATTACK])
  const { open } = read(stdout)
  for (const name of ['unshare_user', 'mount_bind', 'open_tree', 'clone3_user', 'fsopen', 'personality'])
    assert.ok(open.includes(name), `${name} is not among ${open.join()}`)
})

test(
  'a setuid program in the root gives nothing to a user who is not root there',
  inTemp((dir) => {
    const flags = asRoot ? ['--user', '5001'] : []
    const root = ownRoot(dir)
    const run = (...more: string[]) => read(nsbox(['--root', root, ...flags, ...more, 'attack']).stdout)
    assert.equal(run().open, [])
    assert.not.ok(run().notHere.includes('setuid_program'))
    // In root's own box without no_new_privs it works, and the suite finds that.
    if (asRoot) assert.ok(run('--privileged').open.includes('setuid_program'))
  }),
)

test('the terminal takes no input from the box', () => {
  // script(1) makes a session with a controlling terminal.
  const { stdout } = execute('script', ['-qec', `${NSBOX} ${ATTACK}`, '/dev/null'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const { open, notHere } = read(stdout)
  assert.equal(open, [])
  for (const name of ['terminal_input', 'terminal_input_wide', 'console_paste'])
    assert.not.ok(notHere.includes(name), `${name} had no terminal`)
})

const listening = (where: object): Promise<Server> =>
  new Promise((done, fail) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', fail)
    server.listen(where, () => done(server))
  })

test('bubblewrap 392: the loopback of the host is closed by --net none; its abstract sockets are closed, but with --share ipc', async () => {
  const server = await listening({ port: 0, host: '127.0.0.1' })
  const name = `nsbox-attack-${process.pid}`
  const hidden = Bun.listen({
    unix: `\0${name}`,
    socket: {
      data() {},
      open(socket) {
        socket.end()
      },
    },
  })
  const { port } = server.address() as { port: number }
  const run = async (...flags: string[]) => {
    const box = Bun.spawn([NSBOX, ...flags, ATTACK, '--port', String(port), '--abstract', name], { stdout: 'pipe' })
    return read(await new Response(box.stdout).text())
  }
  try {
    // In a network of its own a box may have raw sockets: no other host is there.
    assert.equal((await run('--net', 'none')).open, asRoot ? ['raw_socket', 'packet_socket'] : [])
    assert.equal((await run()).open, hasScopes ? ['loopback'] : ['loopback', 'abstract_socket'])
    assert.equal((await run('--share', 'ipc')).open, ['loopback', 'abstract_socket'])
  } finally {
    server.close()
    hidden.stop(true)
  }
})

test.run()
