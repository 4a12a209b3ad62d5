/**
 * Where descriptors, memory, processes or the sidecar are lacking, a command that can't run is one error where callers of
 * each function look for it, and nothing is left of it.
 */
import * as child_process from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { $ } from 'zx'
import { box } from 'nsbox'
import { ended, eventsOf, familyOf, isRunning, makeRoot, openFiles, rejected, until } from './helpers.mjs'
import { FUNCTIONS, isFailure, programsIn } from './programs.mjs'

const { dir, root, remove } = makeRoot()
test.after(remove)
const b = box({ root })
const program = programsIn(dir)

test('however few descriptors are free, a command runs or is one error, and nothing stays open, on disk, or runs nonetheless', async () => {
  const tmp = join(dir, 'few')
  mkdirSync(tmp)
  const results = await program(
    `
    const b = box({ root: ${JSON.stringify(root)}, bind: ${JSON.stringify(`${tmp}:/work`)}, dieWithParent: true })
    for (const [name, start] of Object.entries({ ...functions, ...opened })) await start(b, ['true'], {})
    const held = []
    const count = () => fs.readdirSync('/proc/self/fd').length
    const before = count()
    const shared = () => fs.readdirSync('/dev/shm').filter((name) => name.startsWith('nsbox')).length
    const results = []
    for (let free = 0; free < 26; free++) {
      for (const [name, start] of Object.entries({ ...functions, ...opened })) {
        try { for (;;) held.push(fs.openSync('/dev/null')) } catch {}
        for (let n = 0; n < free; n++) fs.closeSync(held.pop())
        const file = '/work/' + name + free
        const promise = start(b, ['touch', file], {})
        const result = await promise
        for (const fd of held.splice(0)) fs.closeSync(fd)
        // Files of other programs come and go there, too.
        for (let tries = 0; tries < 200 && (count() > before || shared() > 0); tries++) await new Promise((done) => setTimeout(done, 5))
        results.push({ name, free, result, more: count() - before, shared: shared() })
      }
    }
    console.log(JSON.stringify(results))
  `,
    { before: 'ulimit -n 100', env: { TMPDIR: tmp, XDG_RUNTIME_DIR: '' } },
  )
  const of = (name) => results.filter((one) => one.name === name)
  for (const { name, free, result, more, shared } of results) {
    if (result !== 'ran') isFailure(result, 'EMFILE', `${name} with ${free} free`)
    assert.ok(more <= 0 && shared === 0, `${name} with ${free} free: ${more} more open, ${shared} in /dev/shm`)
    if (name !== 'open')
      assert.is(existsSync(join(tmp, `${name}${free}`)), result === 'ran', `${name} with ${free} free`)
  }
  for (const name of ['run', 'spawn', 'spawnSync', 'open']) {
    assert.ok(of(name).some(({ result }) => result === 'ran') && of(name).some(({ result }) => result !== 'ran'), name)
  }
  assert.equal(
    readdirSync(tmp).filter((name) => name.startsWith('nsbox')),
    [],
  )
})

test('node#14166: many starts at once with few descriptors are as many errors, and none that nobody can catch', async () => {
  const results = await program(
    `
    const b = box({ root: ${JSON.stringify(root)} })
    await b.run(['true'])
    const all = [...Array(100)].flatMap(() => [functions.run(b, ['true'], {}), functions.spawn(b, ['true'], {})])
    const results = await Promise.all(all)
    console.log(JSON.stringify([...results, await functions.run(b, ['true'], {})]))
  `,
    { before: 'ulimit -n 64' },
  )
  assert.is(results.length, 201)
  const failures = results.filter((one) => one !== 'ran')
  assert.ok(failures.length > 0)
  for (const failure of failures) isFailure(failure, 'EMFILE', 'many')
  assert.is(results.at(-1), 'ran')
})

test('an environment that is too large for a program is an error with the way out', async () => {
  const results = await program(`
    const b = box({ root: ${JSON.stringify(root)} })
    // A runtime keeps some descriptors of its own from the first time on.
    for (const start of Object.values(functions)) await start(b, ['true'], {})
    const before = fs.readdirSync('/proc/self/fd').length
    const results = []
    for (const start of Object.values(functions)) results.push(await start(b, ['true'], { env: { PATH: '/bin', LONG: 'x'.repeat(200000) } }))
    process.env.LONG = 'x'.repeat(200000)
    results.push(await opened.open(b))
    const more = () => fs.readdirSync('/proc/self/fd').length - before
    for (let tries = 0; tries < 200 && more() > 0; tries++) await new Promise((done) => setTimeout(done, 5))
    console.log(JSON.stringify([...results, more()]))
  `)
  assert.is(results.pop(), 0)
  for (const result of results) isFailure(result, 'E2BIG', 'environment')
})

test('where no process may be added, that is an error with the way out', async () => {
  // The limit does not bind root, and Bun itself aborts where it can start no thread.
  if (process.getuid() === 0 || process.versions.bun !== undefined) return
  const results = await program(`
    const b = box({ root: ${JSON.stringify(root)} })
    for (const start of Object.values(functions)) await start(b, ['true'], {})
    child_process.spawnSync('prlimit', ['--pid', String(process.pid), '--nproc=1:'])
    const results = []
    for (const start of Object.values({ ...functions, ...opened })) results.push(await start(b, ['true'], {}))
    console.log(JSON.stringify(results))
  `)
  for (const result of results) isFailure(result, 'EAGAIN', 'processes')
})

/** The package, where something goes wrong with its sidecar once it is loaded: Bun looks for its files before that. */
async function damaged(name, damage) {
  const from = dirname(fileURLToPath(import.meta.resolve('nsbox')))
  const to = join(dir, name, 'dist/package')
  cpSync(from, to, { recursive: true })
  cpSync(join(from, '../../package.json'), join(dir, name, 'package.json'))
  const sidecar = join(to, `sidecar/nsbox-sidecar-${process.arch}`)
  statSync(sidecar)
  const loaded = await import(pathToFileURL(join(to, 'index.js')))
  damage(sidecar)
  return loaded
}

test('a sidecar that is missing, or is no program, is an error of each function', async () => {
  const damages = {
    ENOENT: (sidecar) => rmSync(sidecar),
    ENOEXEC: (sidecar) => writeFileSync(sidecar, '\x7fELF of another machine'),
  }
  b.spawnSync('true')
  for (const [code, damage] of Object.entries(damages)) {
    const lib = await damaged(code, damage)
    const bad = lib.box({ root })
    const before = openFiles()
    const child = bad.spawn('true', ['x'])
    const events = await eventsOf(child)
    assert.equal([child.spawnfile, child.spawnargs, child.kill()], ['true', ['true', 'x'], false])
    assert.instance(child, child_process.ChildProcess)
    // Node has a shell execute a file of no known form.
    if (code !== 'ENOEXEC') assert.is(child.pid, undefined)
    assert.equal(
      events.map(([name]) => name),
      ['error', 'close'],
      code,
    )
    const sync = bad.spawnSync('true', ['x'])
    assert.equal(
      [sync.status, sync.signal, sync.output, sync.error.syscall, sync.error.spawnargs],
      [null, null, null, 'spawnSync true', ['x']],
    )
    const errors = [await rejected(bad.run(['true'])), events[0][1], sync.error, await rejected(bad.open())]
    for (const error of errors) {
      assert.ok(error instanceof lib.SandboxError && error.step === 'start', `${code}: ${error.stack}`)
      // A runtime may execute a file that has no known form by a shell.
      assert.equal(
        [error.code, error.hint !== undefined, error.message.endsWith(error.hint)],
        [code, true, true],
        `${code}: ${error.stack}`,
      )
    }
    await until('as few descriptors as before', () => openFiles() <= before)
  }
})

test('a sidecar without its execute permission is run from a copy', async () => {
  const lib = await damaged('mode', (sidecar) => chmodSync(sidecar, 0o444))
  assert.is((await lib.box({ root }).run(['echo', 'copied'])).stdout, 'copied\n')
})

test('where no file can be made for the plan, the error says where one is tried', async () => {
  const readonly = '/dev/shm /tmp /var/tmp "$TMPDIR"'
  const before = `for d in ${readonly}; do mount --bind "$d" "$d" && mount -o remount,bind,ro,nosuid,nodev "$d"; done`
  const script = join(dir, 'no-file.mjs')
  const tmp = join(dir, 'no-file')
  mkdirSync(tmp)
  writeFileSync(
    script,
    `import { box } from ${JSON.stringify(import.meta.resolve('nsbox'))}\n${FUNCTIONS}
    const b = box({ root: ${JSON.stringify(root)} })
    const results = []
    for (const start of Object.values({ ...functions, ...opened })) results.push(await start(b, ['true'], {}))
    console.log(JSON.stringify(results))`,
  )
  const { stdout, stderr } = child_process.spawnSync(
    'unshare',
    ['-rm', 'sh', '-c', `${before}; exec "$0" "$1"`, process.execPath, script],
    { encoding: 'utf8', env: { ...process.env, TMPDIR: tmp, XDG_RUNTIME_DIR: '' } },
  )
  assert.ok(stdout !== '', stderr)
  for (const result of JSON.parse(stdout)) {
    isFailure(result, 'EROFS', 'no file')
    assert.match(result.hint, /TMPDIR/)
  }
})

test('nothing is left', async () => {
  await ended(familyOf(process.pid))
  assert.equal(familyOf(process.pid).filter(isRunning), [])
})

test.run()
