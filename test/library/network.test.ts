/** A program learns what its boxes connect to, while they run. */
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { inTemp } from '../helpers/nsbox.ts'
import { nsboxAmong, serve } from '../helpers/named-hosts.ts'

const LIBRARY = resolve(import.meta.dir, '../../src/index.ts')

/** Runs the body of a program of the library where `registry.test` is this machine. Returns what it prints as JSON. */
async function program(dir: string, body: string): Promise<unknown> {
  const script = join(dir, 'script.ts')
  writeFileSync(script, `import { box } from '${LIBRARY}'\n${body}`)
  const { status, stdout, stderr } = await nsboxAmong(dir, '127.0.0.1 registry.test\n', [script], {
    program: process.execPath,
  })
  assert.is(status, 0, stderr)
  return JSON.parse(stdout)
}

test(
  'each connection of a run is an event, with what was refused',
  inTemp(async (dir) => {
    const server = await serve((_, response) => response.end('hello'))
    try {
      const events = await program(
        dir,
        `const events = []
        const b = box({ allowHosts: ['registry.test:${server.port}'], allowPrivate: true, cwd: '/' })
        const { stdout } = await b.run(['sh', '-c', 'curl -4sS http://registry.test:${server.port}/; getent hosts none.test'], { onConnect: (event) => events.push(event) })
        console.log(JSON.stringify([stdout, ...events]))`,
      )
      const [stdout, ...rest] = events as [string, ...Record<string, unknown>[]]
      assert.is(stdout, 'hello')
      assert.equal(rest.map(({ event, host, allowed }) => `${event} ${host} ${allowed}`).sort(), [
        'connect registry.test true',
        'resolve none.test false',
      ])
    } finally {
      server.close()
    }
  }),
)

test(
  'events come while the command runs, in a box for one command and in one that stays',
  inTemp(async (dir) => {
    const server = await serve((_, response) => response.end('hello'))
    const options = `{ allowHosts: ['registry.test:${server.port}'], allowPrivate: true, cwd: '/' }`
    const command = `['sh', '-c', 'curl -sS http://registry.test:${server.port}/; exec sleep 60']`
    try {
      assert.is(
        await program(
          dir,
          `const ended = new AbortController()
          const found = await box(${options}).run(${command}, { signal: ended.signal, onConnect: ({ host }) => ended.abort(host) }).catch((reason) => reason)
          console.log(JSON.stringify(found))`,
        ),
        'registry.test',
      )
      assert.is(
        await program(
          dir,
          `const found = Promise.withResolvers()
          await using live = await box(${options}).open({ onConnect: ({ host }) => found.resolve(host) })
          const ended = new AbortController()
          const running = live.run(${command}, { signal: ended.signal }).catch(() => {})
          console.log(JSON.stringify(await found.promise))
          ended.abort()
          await running`,
        ),
        'registry.test',
      )
    } finally {
      server.close()
    }
  }),
)

test(
  'what the callback throws ends the box, and a box that stays has its callback from open',
  inTemp(async (dir) => {
    assert.equal(
      await program(
        dir,
        `const b = box({ allowHosts: ['registry.test'], cwd: '/' })
        const messages = []
        const note = (error) => messages.push(error.message)
        await b.run(['sh', '-c', 'getent hosts none.test; exec sleep 60'], { onConnect: () => { throw new Error('of the callback') } }).catch(note)
        await using live = await b.open()
        await live.run(['true'], { onConnect: () => {} }).catch(note)
        await b.run(['true'], { onConnect: true }).catch(note)
        console.log(JSON.stringify(messages))`,
      ),
      ['of the callback', 'run: onConnect: this box stays', 'run: onConnect: must be a function, not boolean'],
    )
  }),
)

test.run()
