/**
 * The package's command line, under Node: it does what the compiled program does, with a process of Node that waits.
 */
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { busyboxRoot, execute, inTemp, NSBOX, planOf } from '../helpers/nsbox.ts'
import { Pty } from '../helpers/pty.ts'
import { project, RUNTIMES, VERSION } from '../helpers/package.ts'

const { path: dir, remove } = project()
test.after(remove)

const CLI = join(dir, 'node_modules/.bin/nsbox')
const cli = (args: readonly string[], options = {}) => execute(CLI, args, options)

/** All processes below one, by their parents. */
function familyOf(pid: number): number[] {
  const parents = new Map(
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((name) => {
        try {
          return [
            Number(name),
            Number(
              readFileSync(`/proc/${name}/stat`, 'latin1')
                .replace(/^.*\) /s, '')
                .split(' ')[1],
            ),
          ] as const
        } catch {
          return [Number(name), 0] as const
        }
      }),
  )
  const below = (parent: number): number[] =>
    [...parents].filter(([, above]) => above === parent).flatMap(([child]) => [child, ...below(child)])
  return below(pid)
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const end = Date.now() + 30000; !holds(); await Bun.sleep(10))
    if (Date.now() > end) throw new Error(`never: ${what}`)
}

const running = (pid: number) =>
  existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))

test('a command has its streams, and its status is that of nsbox', () => {
  const { status, stdout, stderr } = cli(['--tmpfs', '/tmp', 'sh', '-c', 'cat; ls -A /tmp; echo oops >&2; exit 7'], {
    input: 'in\n',
  })
  assert.equal([status, stdout, stderr], [7, 'in\n', 'oops\n'])
  assert.is(cli(['sh', '-c', 'kill -TERM $$']).status, 143)
})

test('a directory that is gone is an error message, unless it does not matter', () => {
  const gone = (...args: string[]) =>
    execute('bash', [
      '-c',
      'd=$(mktemp -d); cd $d; rmdir $d; exec "$0" "$@"',
      process.env.NODE ?? 'node',
      join(dir, 'node_modules/nsbox/dist/package/cli.js'),
      ...args,
    ])
  assert.is(gone('--version').status, 0)
  assert.is(gone('--cwd', '/usr', 'pwd').stdout, '/usr\n')
  const { status, stderr } = gone('pwd')
  assert.is(status, 125)
  assert.match(stderr, "nsbox: cwd: the caller's directory is gone\nhint: ")
})

test('failures have their statuses and messages', () => {
  assert.equal(cli(['--tmpf', '/tmp', 'true']).status, 2)
  const missing = cli(['no-such-command'])
  assert.is(missing.status, 127)
  assert.match(missing.stderr, 'nsbox: exec: command not found in the box: no-such-command')
  const root = cli(['--root', '/nowhere', 'true'])
  assert.is(root.status, 125)
  assert.match(root.stderr, 'nsbox: root: open: /nowhere: No such file or directory (ENOENT)')
})

test(
  'every verb is there',
  inTemp((temp) => {
    assert.match(cli(['--version']).stdout, `nsbox ${VERSION} (contract `)
    assert.match(cli(['help', 'bake']).stdout, '--relative')
    assert.match(cli(['explain', '--net', 'none', 'true']).stdout, 'network')
    assert.match(cli(['doctor']).stdout, 'kernel')
    const args = ['--tmpfs', '/tmp', '--hostname', 'x', '--seccomp', 'default', '--cap-add', 'net_admin', 'true']
    assert.equal(JSON.parse(cli(['plan', ...args]).stdout), planOf(args))
    const plan = join(temp, 'plan.json')
    writeFileSync(plan, cli(['plan', 'sh', '-c', 'exit $0']).stdout)
    assert.is(cli(['run', '--plan', plan, '5']).status, 5)
    const baked = join(temp, 'baked')
    assert.is(cli(['bake', '-o', baked, '--hostname', 'baked', 'hostname']).status, 0)
    assert.is(execute(baked, []).stdout, 'baked\n')
    assert.is(cli(['rootfs', 'build', join(temp, 'r'), 'ls']).status, 0)
    assert.is(
      cli(['--root', join(temp, 'r'), 'ls', '/']).stdout,
      execute(NSBOX, ['--root', join(temp, 'r'), 'ls', '/']).stdout,
    )
  }),
)

test('events go to the status descriptor that the caller named', () => {
  const { status, stdout } = execute('sh', ['-c', '"$0" --status-fd 9 sh -c "exit 3" 9>&1 >/dev/null', CLI])
  assert.is(status, 3)
  assert.equal(
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).event),
    ['start', 'exit'],
  )
})

test('a signal reaches the command, and the box ends with nsbox even when that is killed', async () => {
  const start = (script: string) =>
    spawn(process.env.NODE ?? 'node', [CLI, 'sh', '-c', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const said = (child: ReturnType<typeof start>) =>
    new Promise<string>((resolve) => child.stdout.once('data', (data) => resolve(String(data))))
  const ended = (child: ReturnType<typeof start>) =>
    new Promise((resolve) => child.once('exit', (status, signal) => resolve(signal ?? status)))
  for (const signal of ['TERM', 'INT', 'HUP', 'USR1'] as const) {
    const child = start(`trap 'exit 9' ${signal}; echo ready; while :; do sleep 0.05; done`)
    const end = ended(child)
    await said(child)
    child.kill(`SIG${signal}`)
    assert.is(await end, 9, signal)
  }
  const child = start('trap "" TERM INT HUP; setsid sleep 1000 & echo ready; sleep 1000')
  const end = ended(child)
  await said(child)
  let family: number[] = []
  await until(
    'two sleeps',
    () =>
      (family = familyOf(child.pid ?? 0)).filter((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8') === 'sleep\n')
        .length === 2,
  )
  child.kill('SIGKILL')
  await end
  await until('the box ends', () => !family.some(running))
})

test('Ctrl-C reaches the command once, and nsbox ends as it does', async () => {
  const pty = new Pty([
    CLI,
    'sh',
    '-c',
    'trap "echo interrupted" INT; echo ready; until read -r line; do :; done; echo "got $line"; exit 4',
  ])
  try {
    await pty.expect(/ready/)
    pty.type('\x03')
    await pty.expect(/interrupted/)
    pty.type('x\r')
    await pty.expect(/got x/)
    assert.is(pty.shown.match(/interrupted/g)?.length, 1)
    assert.is(await pty.exited(), 4)
  } finally {
    await pty.end()
  }
})

test('Ctrl-Z stops it, and fg goes on', async () => {
  const pty = new Pty(['bash', '--norc', '--noprofile', '-i'])
  try {
    pty.enter(`${CLI} sh -c 'echo rea""dy; read -r line; echo "got $line"'`)
    await pty.expect(/ready/)
    pty.type('\x1a')
    await pty.expect(/Stopped[^]*\$ $/)
    pty.enter('echo the shell is ba""ck')
    await pty.expect(/the shell is back/)
    pty.enter('fg')
    await pty.expect(/read -r line/)
    pty.enter('hello')
    await pty.expect(/got hello/)
    pty.enter('echo status $?')
    await pty.expect(/status 0/)
  } finally {
    await pty.end()
  }
})

test('a shell in the box has job control', async () => {
  const pty = new Pty(['bash', '--norc', '--noprofile', '-i'])
  try {
    pty.enter(`PS1='in> ' ${CLI} bash --norc --noprofile -i`)
    await pty.expect(/in> $/)
    pty.enter('sleep 1000')
    await pty.expect(/sleep 1000/)
    await pty.press('\x1a', /Stopped/)
    pty.enter('fg')
    await pty.expect(/fg\r\n.*sleep 1000\r\n/s)
    await pty.press('\x03', /in> $/)
    pty.enter('exit 6')
    pty.enter('echo status $?')
    await pty.expect(/status 6/)
  } finally {
    await pty.end()
  }
})

test(
  'under Bun the same command line works',
  inTemp((temp) => {
    const root = busyboxRoot(join(temp, 'r'))
    const bun = RUNTIMES.find(({ name }) => name === 'Bun')?.program ?? ''
    const { status, stdout } = execute(bun, [CLI, '--root', root, '--tmpfs', '/tmp', 'sh', '-c', 'ls /; exit 8'])
    assert.equal([status, stdout], [8, 'bin\ndev\nproc\ntmp\n'])
  }),
)

test("a command gets the caller's descriptors, whatever number Node's own have", () => {
  const { stdout, stderr } = execute('bash', [
    '-c',
    '"$0" --keep-fd 3,4 --keep-fd 63 sh -c "cat <&3; cat <&4; cat /dev/fd/63" 3<<<three 4<<<four 63<<<more',
    CLI,
  ])
  assert.equal([stdout, stderr], ['three\nfour\nmore\n', ''])
  assert.match(cli(['--keep-fd', '99', 'true']).stderr, /^nsbox: descriptors: keep: 99: .*\(EBADF\)/)
})

test.run()
