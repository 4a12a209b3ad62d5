/** A box that stays, from the packed package: the same script under Node and under Bun. */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { BIN, busyboxRoot, nsbox } from '../helpers/nsbox.ts'
import { done, project, RUNTIMES } from '../helpers/package.ts'
import { execute } from '../helpers/nsbox.ts'

const { path: dir, remove } = project('zx')
test.after(remove)
const root = busyboxRoot(join(dir, 'r'))

/** Runs a script's body, and prints its last expression as JSON. */
function script(program: string, body: string, env: Record<string, string> = {}): unknown {
  const file = join(dir, 'script.mjs')
  writeFileSync(
    file,
    `import { box, SandboxError } from 'nsbox'\nconst b = box({ root: ${JSON.stringify(root)}, tmpfs: '/tmp', net: 'none', hostname: 'live' })\n${body}`,
  )
  return JSON.parse(done(execute(program, [file], { cwd: dir, env: { ...process.env, ...env } })).stdout)
}

const inBox = (body: string) =>
  `const live = await b.open()\ntry {\n${body}\n} finally { await live[Symbol.asyncDispose]() }`

for (const { name, program: runtime } of RUNTIMES) {
  test(`files, processes and the host name stay between commands (${name})`, () => {
    assert.equal(
      script(
        runtime,
        inBox(`
      const first = await live.run(['sh', '-c', 'echo kept >/tmp/file; sleep 1000 >/dev/null 2>&1 & cat; exit 3'], { input: 'in' })
      const second = await live.run(['sh', '-c', 'cat /tmp/file; hostname; ps -o comm | grep -c sleep'])
      const sync = live.spawnSync('cat', ['/tmp/file'], { encoding: 'utf8' })
      console.log(JSON.stringify([first.exitCode, first.stdout, second.stdout, sync.stdout, (await b.run(['ls', '/tmp'])).stdout]))`),
      ),
      [3, 'in', 'kept\nlive\n1\n', 'kept\n', ''],
    )
  })

  test(`many commands at once each get their own output (${name})`, () => {
    assert.equal(
      script(
        runtime,
        inBox(`
      const all = await Promise.all(Array.from({ length: 200 }, (_, i) => live.run(['sh', '-c', 'echo $0; exit $(($0 % 7))', String(i)])))
      console.log(JSON.stringify(all.filter(({ exitCode, stdout }, i) => exitCode === i % 7 && stdout === i + '\\n').length))`),
      ),
      200,
    )
  })

  test(`a command gets the privileges of the box, and its own directory and environment (${name})`, () => {
    const status = (where: string) =>
      `(await ${where}.run(['grep', '-E', '^(Uid|Gid|Groups|Cap|NoNew|Seccomp)', '/proc/self/status'])).stdout`
    assert.equal(
      script(
        runtime,
        inBox(`
      console.log(JSON.stringify([${status('live')} === ${status('b')}, (await live.run(['sh', '-c', 'pwd; echo $A'], { cwd: '/bin', env: { A: '1', PATH: '/bin' } })).stdout]))`),
      ),
      [true, '/bin\n1\n'],
    )
  })

  test(`CVE-2019-5736: the process that keeps a box shows no file that could be written to (${name})`, () => {
    // Checked from outside, without Landlock.
    const [file, written] = script(
      runtime,
      `import { readFileSync, readlinkSync } from 'node:fs'\n${inBox(`
      const { stdout } = await live.run(['sh', '-c', '{ echo x 2>/dev/null >/proc/2/exe; } && echo written || echo refused'])
      // The watchdog is a child, too.
      const childOf = (pid) => readFileSync('/proc/' + pid + '/task/' + pid + '/children', 'latin1').trim().split(' ')
        .find((child) => !readFileSync('/proc/' + child + '/comm', 'latin1').startsWith('nsbox-watchdog'))
      console.log(JSON.stringify([readlinkSync('/proc/' + childOf(childOf(live.pid)) + '/exe'), stdout.trim()]))`)}`,
    ) as string[]
    assert.match(file ?? '', /^\/memfd:nsbox /)
    assert.is(written, 'refused')
  })

  test(`closing it ends all its processes, and returns the used resources (${name})`, () => {
    assert.equal(
      script(
        runtime,
        `
      const live = await b.open()
      const long = live.run(['sleep', '1000'])
      const background = await live.run(['sh', '-c', 'sleep 1000 >/dev/null 2>&1 & echo $!'])
      await live.close()
      const { exitCode, signal } = await long
      const { usage, timedOut } = await live.closed
      const late = await live.run(['true']).catch((error) => error)
      console.log(JSON.stringify([exitCode, signal, timedOut, usage.wall > 0, late instanceof SandboxError && late.step]))`,
      ),
      [137, 'SIGKILL', false, true, 'enter'],
    )
  })

  test(`open, and a command that can't start, throw a failure of nsbox (${name})`, () => {
    assert.equal(
      script(
        runtime,
        `
      const failed = await b.with({ cwd: '/nowhere' }).open().catch((error) => error)
      const live = await b.open()
      const missing = await live.run(['nowhere']).catch((error) => error)
      await live.close()
      const aborted = await b.open({ signal: AbortSignal.abort(new Error('enough')) }).catch((error) => error.message)
      console.log(JSON.stringify([failed instanceof SandboxError, failed.path, failed.code, missing instanceof SandboxError, missing.path, missing.status, aborted]))`,
      ),
      [true, '/nowhere', 'ENOENT', true, 'nowhere', 127, 'enough'],
    )
  })

  test(`an aborted signal closes the box, and its own timeout too (${name})`, () => {
    assert.equal(
      script(
        runtime,
        `
      const controller = new AbortController()
      const live = await b.open({ signal: controller.signal })
      const long = live.run(['sh', '-c', 'echo > /tmp/running; exec sleep 1000'])
      await live.run(['sh', '-c', 'until [ -e /tmp/running ]; do sleep 0.01; done'])
      controller.abort()
      const { exitCode } = await long
      await live.closed
      const short = await b.with({ timeout: '100ms' }).open()
      console.log(JSON.stringify([exitCode, (await short.closed).timedOut]))`,
      ),
      [137, true],
    )
  })

  test(`a command that is ended by a limit takes its children along, and the box stays (${name})`, () => {
    // The child of the shell holds the output open.
    const command = `['sh', '-c', 'yes; :']`
    assert.equal(
      script(
        runtime,
        inBox(`
      const late = await live.run(${command}, { timeout: 200, maxBuffer: Infinity })
      const tooMuch = await live.run(${command}, { maxBuffer: 1000 }).catch(({ message }) => message)
      const aborted = await live.run(${command}, { signal: AbortSignal.timeout(200) }).catch(({ name }) => name)
      const left = await live.run(['sh', '-c', 'ps -o comm | grep -c yes'])
      console.log(JSON.stringify([late.timedOut, tooMuch, aborted, left.stdout]))`),
      ),
      [true, 'maxBuffer: more than 1000 bytes of output', 'TimeoutError', '0\n'],
    )
  })

  test(`a program that ends, or is killed, takes its box with it, also when it never closes it (${name})`, () => {
    for (const ending of ['', "process.kill(process.pid, 'SIGKILL')"]) {
      const file = join(dir, 'ending.mjs')
      writeFileSync(
        file,
        `import { box } from 'nsbox'\nconst live = await box().open()\nawait live.run(['sh', '-c', 'sleep 1000 >/dev/null 2>&1 &'])\nconsole.log(live.pid)\n${ending}`,
      )
      const { stdout } = spawnSync(runtime, [file], { cwd: dir, encoding: 'utf8', timeout: 60000 })
      const pid = stdout.trim()
      assert.match(pid, /^\d+$/)
      const alive = () => execute('ps', ['-o', 'stat=', '-p', pid]).stdout.trim().replace(/^Z.*/, '') !== ''
      for (let tries = 0; tries < 500 && alive(); tries++) Bun.sleepSync(10)
      assert.not(alive())
    }
  })

  test(`nsbox enter enters it from a shell (${name})`, () => {
    const file = join(dir, 'entered.mjs')
    writeFileSync(
      file,
      `import { box } from 'nsbox'\nconst live = await box({ hostname: 'entered' }).open()\nconsole.log(live.pid)\nawait new Promise((done) => process.stdin.once('data', done))\nawait live.close()\nprocess.exit()`,
    )
    const script = `coproc "$1" "$2"; read -r pid <&\${COPROC[0]}; "$3" enter $pid hostname; "$3" enter $pid "$4" | grep -c ' open$'; echo >&\${COPROC[1]}; wait`
    const { stdout, stderr } = execute(
      'bash',
      ['-c', script, 'bash', runtime, file, process.env.NSBOX ?? '', join(BIN, 'attack')],
      { cwd: dir },
    )
    // The network is the host's here, so nothing is listening for the two attempts that need it.
    assert.is(stdout, 'entered\n0\n', stderr)
  })

  test(`a box that can't stay says why (${name})`, () => {
    const said = script(
      runtime,
      `const said = []
      for (const how of [{ share: ['pid'] }, { noInit: true }, { share: ['ipc', 'pid'], userns: true }]) await b.with(how).open().catch(({ name, message, hint }) => said.push([name, message, hint]))
      console.log(JSON.stringify(said))`,
    )
    const hint = 'leave it out, or use run, which makes a box for each command'
    const because = (what: string) => [
      'UsageError',
      `open: ${what}: a box that stays needs a process 1 that ends with it`,
      hint,
    ]
    assert.equal(said, [because('share: pid'), because('noInit'), because('share: pid')])
  })

  test(`zx runs its commands in a box that stays (${name})`, () => {
    assert.equal(
      script(
        runtime,
        `import { $ as zx } from 'zx'\n${inBox(`
      const $ = zx({ spawn: live.spawn, spawnSync: live.spawnSync, shell: '/bin/sh', prefix: '', verbose: false })
      await $\`echo one >/tmp/a\`
      const { stdout } = await $\`cat /tmp/a\`.pipe($\`sort - /tmp/a\`)
      const failed = await $\`exit 4\`.nothrow()
      console.log(JSON.stringify([stdout, failed.exitCode]))`)}`,
      ),
      ['one\none\n', 4],
    )
  })
}

test('the number of a box that stays is that of nsbox', () => {
  assert.is(nsbox(['enter', String(process.pid), 'true']).status, 125)
})

test.run()
