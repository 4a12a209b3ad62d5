/** Images in a program: pulled, and run in boxes. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { box, image, SandboxError, UsageError } from '../../src/index.ts'
import { putImage, REFERENCE } from '../helpers/image.ts'
import { busyboxRoot, inTemp } from '../helpers/nsbox.ts'

/** Runs the body with a cache of its own, and the path of an archive of a whole root. */
const withArchive = (body: (archive: string, cache: string) => Promise<void>) =>
  inTemp(async (dir) => {
    const root = busyboxRoot(join(dir, 'r'), ['tmp', 'etc'])
    writeFileSync(join(root, 'etc/name'), 'of the image\n')
    const archive = join(dir, 'root.tar')
    assert.is(spawnSync('tar', ['-C', root, '-cf', archive, '.']).status, 0)
    const cache = join(dir, 'cache')
    mkdirSync(cache, { mode: 0o700 })
    const before = process.env.NSBOX_CACHE
    process.env.NSBOX_CACHE = cache
    try {
      await body(archive, cache)
    } finally {
      if (before === undefined) delete process.env.NSBOX_CACHE
      else process.env.NSBOX_CACHE = before
    }
  })

test(
  'an image is pulled once, and its boxes then start without waiting',
  withArchive(async (archive) => {
    const events: string[] = []
    const { id, reference } = await image(archive).pull({ onProgress: ({ event }) => events.push(event) })
    assert.match(id, /^sha256:[0-9a-f]{64}$/)
    assert.ok(reference.includes('root.tar'), reference)
    assert.is(events.at(-1), 'done', events.join())
    const b = box({ image: archive })
    assert.is(b.spawnSync('cat', ['/etc/name'], { encoding: 'utf8' }).stdout, 'of the image\n')
    assert.is((await b.run(['cat', '/etc/name'])).stdout, 'of the image\n')
    assert.is(b.plan(['true']).root?.type, 'layers')
    assert.match(b.explain(['true']), /the image/)
  }),
)

test(
  'run and open pull by themselves; what can not wait says how',
  withArchive(async (archive) => {
    const b = box({ image: archive })
    const { error } = b.spawnSync('true')
    assert.instance(error, SandboxError)
    assert.match((error as SandboxError).hint ?? '', /^await image\('.*root\.tar'\)\.pull\(\)/)
    assert.throws(
      () => b.plan(['true']),
      (thrown: unknown) => thrown instanceof SandboxError && thrown.step === 'image',
    )
    await using live = await b.open()
    assert.is((await live.run(['cat', '/etc/name'])).stdout, 'of the image\n')
    assert.is(b.spawnSync('true').status, 0)
  }),
)

test(
  "an empty list runs the image's own command, with its own environment and what a call gives",
  withArchive(async (_, cache) => {
    const cmd = ['sh', '-c', 'echo "$MODE $MINE ${HOME}"']
    putImage(cache, [(fs) => void busyboxRoot(fs, ['tmp', 'etc'])], { cmd, env: ['MODE=image'] })
    const b = box({ image: REFERENCE, env: { MINE: 'box' } })
    assert.is((await b.run([])).stdout, 'image box /\n')
    assert.is((await b.run([], { env: { MODE: 'call' } })).stdout, 'call box /\n')
    assert.is((await b.with({ entrypoint: 'echo' }).run(['words'])).stdout, 'words\n')
  }),
)

test(
  "in a box that stays, what a command is given wins over the image's variables, and the box's own over both",
  withArchive(async (_, cache) => {
    putImage(cache, [(fs) => void busyboxRoot(fs, ['tmp', 'etc'])], { env: ['MODE=image', 'KIND=image', 'REST=image'] })
    await using live = await box({ image: REFERENCE, env: { KIND: 'box' } }).open()
    const shown = async (env?: Record<string, string>) =>
      (await live.run(['sh', '-c', 'echo "$MODE $KIND $REST $TERM"'], env === undefined ? {} : { env })).stdout
    const { TERM: before } = process.env
    process.env.TERM = 'vt52'
    try {
      assert.is(await shown(), 'image box image vt52\n')
      assert.is(await shown({ MODE: 'call', KIND: 'call', TERM: 'call' }), 'call box image call\n')
    } finally {
      if (before === undefined) delete process.env.TERM
      else process.env.TERM = before
    }
  }),
)

test(
  'an aborted pull rejects with the reason, and wrong arguments are named',
  withArchive(async (archive) => {
    const stopped = new Error('stopped')
    const rejects = async (body: () => Promise<unknown>, check: (error: unknown) => boolean) => {
      let failed: unknown
      await body().catch((error) => {
        failed = error
      })
      assert.ok(check(failed), String(failed))
    }
    await rejects(
      () => image(archive).pull({ signal: AbortSignal.abort(stopped) }),
      (error) => error === stopped,
    )
    await rejects(
      () => image(archive).pull({ signal: 1 as unknown as AbortSignal }),
      (error) => error instanceof UsageError && error.message.startsWith('pull: signal: '),
    )
    assert.throws(() => image(''), /image: must be a reference/)
    assert.throws(() => box({ image: archive, root: '/' }), /both say what the root is/)
    assert.is(box({ image: archive, hostFiles: false }) !== undefined, true)
  }),
)

test.run()
