/** How the library behaves when there is much of everything: counted, not timed. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { getEventListeners, setMaxListeners } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { box } from 'nsbox'
import { ended, familyOf, familyWith, makeRoot, openFiles, sleep, textOf, until } from './helpers.mjs'

const { dir, root, remove } = makeRoot()
test.after(remove)
const b = box({ root, tmpfs: '/tmp' })

const BOXES = 2000
const AT_ONCE = 64
const MIB = 1 << 20

const listeners = () => process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0)

test(`${BOXES} boxes, ${AT_ONCE} at a time: right outputs, and nothing piles up`, async () => {
  const warnings = []
  const warn = (warning) => warnings.push(String(warning))
  process.on('warning', warn)
  const { signal } = new AbortController()
  setMaxListeners(AT_ONCE, signal)
  await b.run(['true'], { signal })
  const before = { files: openFiles(), listeners: listeners() }
  let next = 0
  let wrong = 0
  const rss = []
  const worker = async () => {
    for (let n = next++; n < BOXES; n = next++) {
      const { exitCode, stdout, stderr } = await b.run(
        ['sh', '-c', 'read word; echo "$word" $0; echo err $0 >&2; exit $1', String(n), String(n % 100)],
        { input: `in${n}\n`, signal },
      )
      if (exitCode !== n % 100 || stdout !== `in${n} ${n}\n` || stderr !== `err ${n}\n`) wrong++
      if (n % 500 === 499) rss.push(process.memoryUsage.rss())
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  assert.is(wrong, 0)
  // The runtime closes its ends of pipes a little later.
  await until('as few descriptors as before', () => openFiles() <= before.files + 2)
  assert.equal([getEventListeners(signal, 'abort').length, listeners(), warnings], [0, before.listeners, []])
  process.off('warning', warn)
  await ended(familyOf(process.pid))
  assert.equal(familyOf(process.pid), [], 'zombies')
  const [first, last] = [rss[0], rss.at(-1)]
  assert.ok(last < first + 96 * MIB, `resident memory grew from ${first} to ${last}`)
})

test('256 MiB go through a boxed pipe unharmed', async () => {
  const size = 256 * MIB
  const child = b.spawn('sh', ['-c', `yes "$(printf '%01023d' 0)" | head -c ${size}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const hash = createHash('sha1')
  let bytes = 0
  for await (const chunk of child.stdout) {
    hash.update(chunk)
    bytes += chunk.length
  }
  const same = createHash('sha1')
  const block = Buffer.from(`${'0'.repeat(1023)}\n`.repeat(1024))
  for (let n = 0; n < size / block.length; n++) same.update(block)
  assert.equal([bytes, hash.digest('hex')], [size, same.digest('hex')])
})

test('a reader that pauses stops the writer', async () => {
  const child = b.spawn(
    'sh',
    [
      '-c',
      `dd if=/dev/zero bs=65536 count=4096 status=none 2>/dev/null || dd if=/dev/zero bs=65536 count=4096 2>/dev/null`,
    ],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  )
  const [writer] = (await familyWith(child.pid, 'dd', 1)).filter(Boolean).slice(-1)
  const written = () => Number(/^wchar: (\d+)/m.exec(readFileSync(`/proc/${writer}/io`, 'utf8'))?.[1])
  // It has come to rest when it has written no more for a while; that is well before the end of what it has.
  let last = -1
  await until('the writer waits', async () => {
    const now = written()
    await sleep(100)
    const rests = now === last && now > 0
    last = now
    return rests
  })
  assert.ok(last < 8 * MIB, `${last} bytes are on their way`)
  let bytes = 0
  for await (const chunk of child.stdout) bytes += chunk.length
  assert.is(bytes, 256 * MIB)
})

test('programs that end badly in the middle of many boxes leave nothing', async () => {
  const script = join(dir, 'many.mjs')
  writeFileSync(
    script,
    `
    import { box } from ${JSON.stringify(import.meta.resolve('nsbox'))}
    const b = box({ root: ${JSON.stringify(root)} })
    const loop = async () => { for (;;) await b.run(['sh', '-c', 'sleep 1000 & sleep 0.01']) }
    for (let n = 0; n < 8; n++) loop()
    console.log('started')
    process.stdin.once('data', () => { throw new Error('ends badly') })
  `,
  )
  for (const signal of [undefined, 'SIGKILL', 'SIGTERM']) {
    const program = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'ignore'] })
    const text = textOf(program.stdout)
    let family = []
    await until('boxes', () => (family = familyOf(program.pid)).length > 10)
    if (signal === undefined) program.stdin.write('now')
    else program.kill(signal)
    await text
    await ended([program.pid, ...family])
  }
})

test.run()
