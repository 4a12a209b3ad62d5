/** A box waits before its command for helpers outside of it, and for a gate. No option asks for them; a plan does. */
import { spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot, execute, failure, inTemp, NSBOX, planOf, SIDECAR, sidecar } from '../helpers/nsbox.ts'

type Helper = { program: string; argv: string[]; ends?: 'nothing' | 'box' }

const shell = (script: string, ends?: Helper['ends']): Helper => ({
  program: '/bin/sh',
  argv: ['sh', '-c', script],
  ...(ends ? { ends } : {}),
})

function planWith(
  helpers: readonly Helper[],
  command: readonly string[],
  options: readonly string[] = [],
  supervision: object = {},
) {
  const plan = planOf([...options, '--cwd', '/', ...command]) as Record<string, unknown> & { supervision?: object }
  return { ...plan, ...(helpers.length ? { helpers } : {}), supervision: { ...plan.supervision, ...supervision } }
}

/** A sidecar with descriptor 3 as its gate and 4 for its status, as a script of shell around it uses them. */
async function behindGate(
  supervision: object,
  options: readonly string[],
  during: (tools: {
    gate: NodeJS.WritableStream
    pid: number
    end: () => void
    kill: (signal: NodeJS.Signals) => void
  }) => void,
) {
  const plan = planWith([], ['sh', '-c', 'echo ran'], options, { gateFd: 3, statusFd: 4, ...supervision })
  const child = spawn(SIDECAR, ['--plan-fd', '0'], { stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'pipe'] })
  const [, , , gate, status] = child.stdio as [unknown, unknown, unknown, NodeJS.WritableStream, NodeJS.ReadableStream]
  let events = '',
    stdout = '',
    stderr = ''
  child.stdout?.on('data', (data) => {
    stdout += data
  })
  child.stderr?.on('data', (data) => {
    stderr += data
  })
  gate.on('error', () => {})
  status.on('data', (data) => {
    const had = events.includes('"ready"')
    events += data
    if (!had && events.includes('"ready"')) {
      // Nothing has run yet, and cannot by itself.
      assert.is(stdout, '')
      during({
        gate,
        pid: child.pid ?? 0,
        end: () => gate.end(),
        kill: (signal) => process.kill(child.pid ?? 0, signal),
      })
    }
  })
  child.stdin?.end(JSON.stringify(plan))
  const code = await new Promise<number | null>((resolve) => child.on('close', (result) => resolve(result)))
  return {
    code,
    stdout,
    stderr,
    events: events
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  }
}

for (const options of [[], ['--no-init']]) {
  const name = options.join() || 'with an init'
  test(
    `${name}: a command does not start before its helpers are ready`,
    inTemp((dir) => {
      const mark = join(dir, 'mark')
      const plan = planWith(
        [
          shell(`sleep 0.2; echo 1 >>${mark}; echo r >&3; exec sleep 60`),
          shell(`echo 2 >>${mark}; echo r >&3; exec sleep 60`),
        ],
        ['cat', mark],
        options,
      )
      const { status, stdout, stderr } = sidecar(plan)
      assert.is(status, 0, stderr)
      assert.equal(stdout.trim().split('\n').sort(), ['1', '2'])
    }),
  )

  test(`${name}: a helper that ends before it is ready, or can't be executed, ends the box with 125, and the command never runs`, () => {
    for (const script of ['exit 0', 'exec 3>&-; exec sleep 60', 'sleep 60 & exit 0']) {
      const { status, stdout, stderr } = sidecar(planWith([shell(script)], ['echo', 'ran'], options))
      assert.is(status, 125, stderr)
      assert.is(stdout, '')
      assert.match(
        stderr,
        /^nsbox: helpers: the helper ended, or closed descriptor 3, before it was ready: \/bin\/sh\n$/,
      )
    }
    failure(
      sidecar(planWith([{ program: '/none/helper', argv: ['helper'] }], ['echo', 'ran'], options)),
      /^nsbox: helpers: start the helper: \/none\/helper: No such file or directory \(ENOENT\)\n$/,
    )
  })

  test(`${name}: the end of a helper ends the box where the plan says so, and otherwise does not`, () => {
    const ended = sidecar(planWith([shell('echo r >&3; sleep 0.1', 'box')], ['sleep', '60'], options))
    failure(ended, /^nsbox: helpers: the helper has ended, and the box with it: \/bin\/sh\n$/)
    const { status, stderr } = sidecar(planWith([shell('echo r >&3')], ['sh', '-c', 'sleep 0.3; exit 7'], options))
    assert.is(status, 7, stderr)
  })

  test(`${name}: a gate holds the command until one byte comes, and its end without one is 125`, async () => {
    const passed = await behindGate({}, options, ({ gate }) => gate.write('g'))
    assert.is(passed.code, 0, passed.stderr)
    assert.is(passed.stdout, 'ran\n')
    assert.equal(
      passed.events.map(({ event }) => event),
      ['ready', 'start', 'exit'],
    )
    const closed = await behindGate({}, options, ({ end }) => end())
    assert.is(closed.code, 125)
    assert.is(closed.stdout, '')
    assert.is(closed.stderr, 'nsbox: gate: it was closed without a byte that lets the box go on\n')
    assert.equal(
      closed.events.map(({ event }) => event),
      ['ready', 'error', 'exit'],
    )
  })

  test(`${name}: a signal or a timeout ends a box that waits at its gate`, async () => {
    for (const [signal, code] of [
      ['SIGTERM', 143],
      ['SIGINT', 130],
      ['SIGHUP', 129],
    ] as const) {
      const { code: status, stdout } = await behindGate({}, options, ({ kill }) => kill(signal))
      assert.is(status, code)
      assert.is(stdout, '')
    }
    const late = await behindGate({ timeout: 200, grace: 100 }, options, () => {})
    assert.is(late.code, 124, late.stderr)
    assert.is(late.stdout, '')
  })
}

test('a signal and a timeout end a box that waits for a helper that never gets ready', async () => {
  const plan = planWith([shell('exec sleep 60')], ['echo', 'ran'])
  const timed = sidecar({ ...plan, supervision: { ...plan.supervision, timeout: 200, grace: 100 } })
  assert.is(timed.status, 124, timed.stderr)
  const { status, stdout } = execute('timeout', ['-s', 'INT', '0.3', SIDECAR, '--plan-fd', '0'], {
    input: JSON.stringify(plan),
  })
  assert.is(status, 124)
  assert.is(stdout, '')
})

test(
  'a helper gets no descriptor but its own, is in a session of its own, and finds the namespaces of the box',
  inTemp((dir) => {
    const told = join(dir, 'told')
    const script = `ls /proc/$$/fd >${told}; cut -d' ' -f5,6 /proc/$$/stat >>${told}; echo $$ >>${told}; readlink /proc/self/fd/4/ns/ipc /proc/self/ns/ipc >>${told}; grep SigBlk /proc/self/status >>${told}; echo r >&3; exec sleep 60`
    const { status, stdout, stderr } = sidecar(planWith([shell(script)], ['readlink', '/proc/self/ns/ipc']))
    assert.is(status, 0, stderr)
    const lines = readFileSync(told, 'utf8').trim().split('\n')
    // The shell keeps what it redirects under 10.
    const count = lines.findIndex((line) => line.includes(' '))
    assert.equal(
      lines.slice(0, count).filter((fd) => fd !== '10'),
      ['0', '1', '2', '3', '4'],
    )
    const [ids = '', self = '', ofBox, own, blocked] = lines.slice(count)
    assert.is(ids, `${self} ${self}`)
    assert.is(`${ofBox}\n`, stdout)
    assert.is.not(own, ofBox)
    assert.match(blocked ?? '', /SigBlk:\t0+$/)
  }),
)

test(
  'no helper is left when the box has ended, has failed, or its supervisor was killed',
  inTemp((dir) => {
    const number = join(dir, 'pid')
    const helper = shell(`echo $$ >${number}; echo r >&3; exec sleep 60`)
    // A helper that is killed while it writes its number leaves an empty file.
    const isThere = () => existsSync(`/proc/${readFileSync(number, 'utf8').trim() || 'none'}`)
    assert.is(sidecar(planWith([helper], ['true'])).status, 0)
    assert.not(isThere())
    assert.is(sidecar(planWith([helper], ['/none/command'])).status, 127)
    assert.not(isThere())
    assert.is(sidecar(planWith([helper, shell('exit 1')], ['true'])).status, 125)
    assert.not(isThere())
    const plan = join(dir, 'plan')
    writeFileSync(plan, JSON.stringify(planWith([helper], ['sleep', '60'])))
    const fd = openSync(plan, 'r')
    const child = spawn(SIDECAR, ['--plan-fd', '0'], { stdio: [fd, 'ignore', 'inherit'] })
    closeSync(fd)
    return new Promise((resolve, reject) => {
      const started = setInterval(() => {
        if (!existsSync(number) || readFileSync(number, 'utf8') === '') return
        clearInterval(started)
        child.kill('SIGKILL')
      }, 20)
      child.on('exit', () => {
        const gone = setInterval(() => {
          if (isThere()) return
          clearInterval(gone)
          resolve()
        }, 20)
      })
      child.on('error', reject)
    })
  }),
)

test('a gate that is not open, and helpers where there is no room for a process, say so', () => {
  failure(
    sidecar(planWith([], ['true'], [], { gateFd: 77 })),
    /^nsbox: descriptors: use as gate: Bad file descriptor \(EBADF\)\nhint: /,
  )
  if (!asRoot) return
  const other = (command: string[], input = '') =>
    execute('setpriv', ['--reuid', '54323', '--regid', '54323', '--clear-groups', ...command], { cwd: '/', input })
  const plan = JSON.parse(other([NSBOX, 'plan', 'true']).stdout)
  // The supervisor and the first process of the box.
  const { status, stderr } = other(
    ['prlimit', '--nproc=2', SIDECAR, '--plan-fd', '0'],
    JSON.stringify({ ...plan, helpers: [shell('echo r >&3; exec sleep 60')] }),
  )
  assert.is(status, 125)
  assert.match(
    stderr,
    /^nsbox: helpers: start the helper: \/bin\/sh: Resource temporarily unavailable \(EAGAIN\)\nhint: as many processes run/,
  )
})

test(
  'a mount point that was made for a box goes when the box ends at its gate, or for want of a helper',
  inTemp((dir) => {
    const point = join(dir, 'made')
    for (const helper of [shell('exit 1'), shell('sleep 0.2; exit 1')]) {
      const { status } = sidecar(planWith([helper], ['true'], ['--tmpfs', point]))
      assert.is(status, 125)
      assert.not(existsSync(point))
    }
  }),
)

test.run()
