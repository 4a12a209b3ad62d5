/** A fault has one step, one sentence and one way out, whichever half of nsbox notices it first. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot, busyboxRoot, execute, inTemp, nsbox, NSBOX, planOf, SIDECAR, sidecar } from '../helpers/nsbox.ts'

/** A path that can't be shown, and what it stands for: DIR is the test's directory. */
const PATHS = {
  'is not there': 'DIR/gone',
  'is not there, nor is the directory above': 'DIR/gone/deep',
  'lies below a file': 'DIR/file/below',
  'is a link to nothing': 'DIR/dangling',
  'is a link to itself': 'DIR/loop',
  'has a name that is too long': `DIR/${'x'.repeat(300)}`,
  // A directory of one's own can be entered in a user namespace.
  ...(asRoot ? {} : { "lies in a directory that can't be entered": '/root/inside' }),
}

/** Where a path of the host may stand on a command line, and in its plan. */
const PLACES: Readonly<
  Record<
    string,
    { args: (path: string) => string[]; step: string; what: string; put: (plan: any, path: string) => unknown }
  >
> = {
  '--root': {
    step: 'root',
    what: 'open',
    args: (path) => ['--root', path],
    put: (plan, path) => {
      plan.root.path = path
    },
  },
  '--overlay of a root': {
    step: 'root',
    what: 'open',
    args: (path) => ['--root', path, '--overlay'],
    put: (plan, path) => {
      plan.root.lowers = [path]
    },
  },
  '--overlay=DIR': {
    step: 'state',
    what: 'open',
    args: (path) => [`--overlay=${path}`],
    put: (plan, path) => {
      plan.root.state = path
    },
  },
  '--bind': {
    step: 'mounts',
    what: 'bind',
    args: (path) => ['--bind', `${path}:/mnt`],
    put: (plan, path) => {
      of(plan, 'bind').source = path
    },
  },
  '--ro-bind': {
    step: 'mounts',
    what: 'bind',
    args: (path) => ['--ro-bind', `${path}:/mnt`],
    put: (plan, path) => {
      of(plan, 'bind').source = path
    },
  },
  '--dev-bind': {
    step: 'mounts',
    what: 'bind',
    args: (path) => ['--dev-bind', `${path}:/mnt`],
    put: (plan, path) => {
      of(plan, 'bind').source = path
    },
  },
  '--file': {
    step: 'mounts',
    what: 'copy',
    args: (path) => ['--file', `${path}:/mnt/f`],
    put: (plan, path) => {
      of(plan, 'file').source = path
    },
  },
}
const of = (plan: any, type: string) =>
  plan.mounts.find((mount: any) => mount.type === type && mount.target.startsWith('/mnt'))

function prepare(dir: string): void {
  busyboxRoot(join(dir, 'good'))
  mkdirSync(join(dir, 'state'))
  writeFileSync(join(dir, 'file'), '')
  symlinkSync('nothing', join(dir, 'dangling'))
  symlinkSync('loop', join(dir, 'loop'))
  symlinkSync('good', join(dir, 'link'))
}

/** A plan that could be made, of a path that was there, with another one in its place. */
function laterPlan(place: string, dir: string, path: string, more: readonly string[] = []): unknown {
  const { args, put } = PLACES[place]!
  const good = place === '--overlay=DIR' ? 'state' : place === '--file' ? 'file' : 'good'
  const plan = planOf([...more, ...args(join(dir, good)), 'true'])
  put(plan, path)
  return plan
}

function sameInBoth(place: string, dir: string, path: string, more: readonly string[] = []): string {
  const first = nsbox([...more, ...PLACES[place]!.args(path), 'true'])
  assert.is(first.status, 125, `${place} ${path}: ${first.stderr}`)
  const plan = laterPlan(place, dir, path, more)
  for (const flags of [[], ['--old-mount-api']]) {
    const later = sidecar(plan, flags)
    assert.equal([later.status, later.stderr], [125, first.stderr], `${place} ${path} ${flags.join()}`)
  }
  return first.stderr
}

for (const [place, { step, what }] of Object.entries(PLACES)) {
  test(
    `${place}: what can't be opened is said in the same words now and when the plan is run later`,
    inTemp((dir) => {
      prepare(dir)
      for (const name of Object.values(PATHS)) {
        const stderr = sameInBoth(place, dir, name.replace('DIR', dir))
        assert.ok(stderr.startsWith(`nsbox: ${step}: ${what}: /`), stderr)
      }
    }),
  )
}

for (const place of ['--root', '--overlay of a root', '--overlay=DIR']) {
  test(
    `${place}: a file in place of a directory is said in the same words now and later`,
    inTemp((dir) => {
      prepare(dir)
      assert.is(
        sameInBoth(place, dir, join(dir, 'file')),
        `nsbox: ${PLACES[place]!.step}: is not a directory: ${dir}/file\n` +
          (place === '--overlay=DIR' ? '' : 'hint: an archive, a squashfs or an ISO file is an image: --image FILE\n'),
      )
    }),
  )
}

for (const place of Object.keys(PLACES)) {
  test(
    `${place}: a link that --no-follow refuses is said in the same words, whether it leads anywhere or not`,
    inTemp((dir) => {
      prepare(dir)
      for (const name of ['dangling', 'loop', 'link/gone', 'link/tmp']) {
        if (place === '--file' && name === 'link/tmp') continue
        const stderr = sameInBoth(place, dir, join(dir, name), ['--no-follow'])
        assert.match(stderr, /\(ELOOP\)\nhint: --no-follow refuses /)
      }
    }),
  )
}

test(
  'what stands in for no file is said of the mount, with both mount interfaces',
  inTemp((dir) => {
    prepare(dir)
    assert.is(sameInBoth('--file', dir, join(dir, 'good')), `nsbox: mounts: is not a regular file: ${dir}/good\n`)
  }),
)

test(
  "a plan that can't be opened or read has the same step in both halves",
  inTemp((dir) => {
    prepare(dir)
    for (const path of [join(dir, 'gone'), join(dir, 'file'), join(dir, 'loop')]) {
      const [front, later] = [execute(NSBOX, ['run', '--plan', path]), execute(SIDECAR, ['--plan', path])]
      assert.match(front.stderr, /^nsbox: read plan: /)
      // Only the front end has words for a way out, since only it makes plans.
      const [message] = front.stderr.split('hint: ')
      assert.equal([front.status, message], [later.status, later.stderr])
    }
  }),
)

test.run()
