/** An image's own words are defaults, and the command line's win over each of them. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { withImage } from '../../src/image/defaults.ts'
import type { Image, ImageConfig } from '../../src/image/image.ts'
import type { Options } from '../../src/options/types.ts'
import { SandboxError } from '../../src/errors.ts'

const CONFIG: ImageConfig = {
  env: ['PATH=/opt/bin:/bin', 'MODE=image', 'EMPTY='],
  cwd: '/srv//app/',
  user: '33:44',
  entrypoint: ['/bin/serve', '--all'],
  cmd: ['--port', '80'],
  labels: {},
}
const image = (config: Partial<ImageConfig> = CONFIG): Image => ({
  id: 'sha256:1',
  reference: 'host/app:1@sha256:2',
  config: { env: [], labels: {}, ...config },
  lowers: ['/c/2', '/c/1'],
  layersAreOurs: true,
})
const ANN = { env: { TERM: 'xterm', SECRET: 's' } }

function box(options: Options = {}, words: string[] = [], config: Partial<ImageConfig> = CONFIG) {
  return withImage(image(config), { image: 'app', ...options }, words, ANN, '/c/host-files')
}

test('the command is Entrypoint with Cmd, with the words of the command line in the place of Cmd', () => {
  assert.equal(box().argv, ['/bin/serve', '--all', '--port', '80'])
  assert.equal(box({}, ['ls', '-l']).argv, ['/bin/serve', '--all', 'ls', '-l'])
  assert.equal(box({}, [], { cmd: ['bash'] }).argv, ['bash'])
  assert.equal(box({}, ['ls'], { cmd: ['bash'] }).argv, ['ls'])
  assert.equal(box({}, [], {}).argv, [])
})

test('--entrypoint takes the place of both', () => {
  assert.equal(box({ entrypoint: '/bin/sh' }).argv, ['/bin/sh'])
  assert.equal(box({ entrypoint: '/bin/sh' }, ['-c', 'id']).argv, ['/bin/sh', '-c', 'id'])
})

/** The variables that the options set, by name; the last one counts. */
function variables({ options }: ReturnType<typeof box>): Record<string, string> {
  assert.is(options.clearEnv, true)
  return Object.fromEntries(
    (options.env ?? []).map((change) =>
      change.type === 'set'
        ? [change.name, change.value]
        : [change.type === 'file' ? '' : change.name, `(${change.type})`],
    ),
  )
}

test("the environment is the image's and the terminal's kind, and never the caller's", () => {
  assert.equal(variables(box()), { TERM: '(later)', PATH: '/opt/bin:/bin', MODE: 'image', EMPTY: '' })
  assert.equal(variables(box({}, [], { env: ['TERM=dumb'] })), {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    TERM: 'dumb',
  })
})

test("the command line's variables win, also by passing one on", () => {
  const own = box({
    env: [
      { type: 'set', name: 'MODE', value: 'mine' },
      { type: 'pass', name: 'SECRET' },
    ],
  })
  assert.is(variables(own).MODE, 'mine')
  assert.is(variables(own).SECRET, '(pass)')
})

test('--clear-env leaves out the variables of the image too', () => {
  const { options } = box({ clearEnv: true, env: [{ type: 'set', name: 'A', value: '1' }] })
  assert.equal(options.env, [{ type: 'set', name: 'A', value: '1' }])
})

test('User counts where no option says who the command is', () => {
  const of = (options: Options, config: Partial<ImageConfig> = CONFIG) => box(options, [], config).options.user
  assert.equal(of({}), { user: 33, group: 44, likeImage: true })
  assert.equal(of({}, { user: 'www-data' }), { user: 'www-data', likeImage: true })
  assert.equal(of({}, {}), { user: 0, likeImage: true })
  assert.equal(of({ mapRoot: true }), { user: 0, likeImage: true })
  assert.equal(of({ user: { user: 7 } }), { user: 7, group: 7, likeImage: true })
  assert.equal(of({ user: { user: 'ann', group: 5 } }), { user: 'ann', group: 5 })
})

test('a User that is none is an error with the way out, and no other user', () => {
  for (const text of ['0x10', '-1', 'a b', '1:2:3', ':5', '4294967295'])
    assert.throws(
      () => box({}, [], { user: text }),
      (error: unknown) => error instanceof SandboxError && error.hint?.includes('--user') === true,
      text,
    )
  assert.is(box({ user: { user: 1 } }, [], { user: '0x10' }).options.user?.user, 1)
})

test('WorkingDir is made, and is where the command starts unless an option says where', () => {
  const { options, root } = box({ mounts: [{ type: 'tmpfs', target: '/tmp' }] })
  assert.equal(options.mounts, [
    { type: 'dir', target: '/srv/app' },
    { type: 'tmpfs', target: '/tmp' },
  ])
  assert.is(root.cwd, '/srv/app')
  assert.equal(box({ cwd: '/x' }).options.mounts, [])
  assert.equal(box({}, [], { cwd: '/' }).options.mounts, [])
})

test("the layers are named with the image's digest, and a directory of the user's is not locked as an image", () => {
  assert.equal(box().root, { image: 'host/app:1@sha256:2', lowers: ['/c/host-files', '/c/2', '/c/1'], cwd: '/srv/app' })
  const directory = { ...image({}), layersAreOurs: false, lowers: ['/home/me/r'] }
  assert.equal(withImage(directory, {}, [], ANN, undefined).root, { lowers: ['/home/me/r'] })
})

test.run()
