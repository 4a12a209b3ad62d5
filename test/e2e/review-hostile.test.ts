/** What a command would do to get past a review, and what others do between the review and its end. */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot, failure, inTemp, nsbox, type Ran } from '../helpers/nsbox.ts'
import { ownState } from '../helpers/own-state.ts'

ownState()

type Place = { project: string; outside: string }

/** A project with a directory that is kept, and a directory beside it that nothing may reach. */
const inPlace = (body: (place: Place) => void): (() => Promise<void>) =>
  inTemp((dir) => {
    const place = { project: join(dir, 'p'), outside: join(dir, 'outside') }
    mkdirSync(join(place.project, '.git/hooks'), { recursive: true })
    mkdirSync(join(place.project, 'sub'))
    mkdirSync(place.outside)
    writeFileSync(join(place.project, '.git/hooks/h'), 'kept')
    writeFileSync(join(place.project, 'sub/file'), 'old')
    writeFileSync(join(place.outside, 'secret'), 'secret')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
    body(place)
    assert.equal(readdirSync(place.outside), ['secret'])
    assert.is(readFileSync(join(place.outside, 'secret'), 'utf8'), 'secret')
    assert.is(readFileSync(join(place.project, '.git/hooks/h'), 'utf8'), 'kept')
    assert.equal(readdirSync(join(place.project, '.git/hooks')), ['h'])
  })

const BOX = ['--changes', 'review', '--quiet', '--ro', '--bind', '.']

/** Runs a script that changes the project, with .git/hooks read-only, and applies all that may be applied. */
function change({ project }: Place, script: string): Ran {
  const { status, stderr } = nsbox([...BOX, '--ro-bind', '.git/hooks', 'sh', '-c', script], { cwd: project })
  assert.is(status, 0, stderr)
  return nsbox(['apply', '--overwrite'], { cwd: project })
}

test(
  'a link is applied as a link, and nothing goes through it',
  inPlace((place) => {
    const { outside, project } = place
    change(place, `ln -s ${outside} out; rm -r sub; ln -s ${outside} sub; ln -s ${outside}/secret file`)
    assert.ok(lstatSync(join(project, 'out')).isSymbolicLink())
    change(place, 'rm out sub; mkdir out sub; echo x >out/secret; echo x >sub/secret; rm file; echo x >file')
    assert.is(readFileSync(join(project, 'out/secret'), 'utf8'), 'x\n')
    assert.is(readFileSync(join(project, 'file'), 'utf8'), 'x\n')
  }),
)

test(
  'a directory of the host that became a link since leads nowhere',
  inPlace((place) => {
    const { outside, project } = place
    const script = 'echo x >sub/file; echo x >sub/secret; mkdir -p new/deep; echo x >new/deep/secret'
    nsbox([...BOX, 'sh', '-c', script], { cwd: project })
    renameSync(join(project, 'sub'), join(project, 'moved'))
    symlinkSync(outside, join(project, 'sub'))
    mkdirSync(join(project, 'new'))
    symlinkSync(outside, join(project, 'new/deep'))
    failure(nsbox(['apply'], { cwd: project }), /nothing was applied/)
    const { status, stderr } = nsbox(['apply', '--overwrite'], { cwd: project })
    assert.is(status, 0, stderr)
    assert.is(readFileSync(join(project, 'sub/secret'), 'utf8'), 'x\n')
  }),
)

const EXCHANGE = `import ctypes; ctypes.CDLL(None).renameat2(-100, b'x', -100, b'.git', 2)`

for (const [name, script] of [
  ['a link above it', 'mv .git .g; mkdir evil; echo x >evil/h; ln -s evil .git'],
  ['its removal', 'rm -rf .git'],
  ['a copy that takes its place', 'cp -r .git .g; rm -rf .git; mv .g .git'],
  ['a file above it', 'rm -rf .git; echo x >.git'],
  ['an exchange of names', `mkdir -p x/hooks; echo x >x/hooks/h; python3 -c "${EXCHANGE}"`],
] as const)
  test(
    `what is kept stays where it is: ${name}`,
    inPlace((place) => {
      change(place, `{ ${script}; } 2>&1; true`)
    }),
  )

test(
  'devices, fifos, sockets and set-user-ID bits stay behind',
  inPlace((place) => {
    const { project } = place
    const script = `mkfifo fifo; python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("s")'
mknod dev c 1 3 2>&1; echo x >suid; chmod 6755 suid; echo y >sub/file; chmod 4711 sub/file; mkdir -m 2775 group; true`
    assert.match(change(place, script).stdout, /added {4}fifo {2}\(stays apart: it is a device, a socket or a fifo\)/)
    assert.equal(readdirSync(project).sort(), ['.git', 'group', 'sub', 'suid'])
    assert.is(lstatSync(join(project, 'suid')).mode & 0o7777, 0o755)
    assert.is(lstatSync(join(project, 'sub/file')).mode & 0o7777, 0o711)
  }),
)

test(
  'names of any bytes come through, and can forge no line',
  inPlace((place) => {
    const { project } = place
    const script = `printf x >"$(printf 'a\\nremoved  sub')"; printf x >"$(printf 'b\\377\\033[31m')"; mkdir -- -r; echo >'-r/*'`
    const { stdout } = change(place, script)
    assert.match(stdout, /added {4}a\\x0aremoved {2}sub\n/)
    assert.match(stdout, /added {4}b[^\n]*\\x1b\[31m\n/)
    const names = readdirSync(project, { encoding: 'buffer' }).map((name) => name.toString('latin1'))
    assert.ok(names.includes('b\xff\x1b[31m') && names.includes('a\nremoved  sub'), names.join())
    assert.ok(existsSync(join(project, '-r/*')))
  }),
)

test(
  'attributes that steer an overlay can not be forged',
  inPlace((place) => {
    const script = `mkdir sub2; python3 - <<'E'
import os
for path in ('sub', 'sub2', '.'):
    for name in ('user.overlay.opaque', 'trusted.overlay.opaque', 'user.overlay.whiteout', 'user.overlay.redirect'):
        try: os.setxattr(path, name, b'y' if 'opaque' in name else b'/etc')
        except OSError: pass
E
touch sub/new`
    const { stderr } = change(place, script)
    // Where the kernel takes such an attribute, the review says that it can't tell what the box saw.
    assert.match(stderr, /^$|by a note of the overlay/)
    assert.is(readFileSync(join(place.project, 'sub/file'), 'utf8'), 'old')
    nsbox(['changes', '--discard'], { cwd: place.project })
  }),
)

test(
  'files that nobody may read, and directories that nobody may enter',
  inPlace((place) => {
    const { project } = place
    const { status, stderr } = change(place, 'echo x >closed; chmod 0 closed; mkdir -p d/e; chmod 0 d/e')
    assert.is(status, 0, stderr)
    assert.is(lstatSync(join(project, 'closed')).mode & 0o777, 0)
    assert.is(lstatSync(join(project, 'd/e')).mode & 0o777, 0)
    chmodSync(join(project, 'd/e'), 0o700)
  }),
)

test(
  'a box reaches no review, not its own one',
  inPlace(({ project }) => {
    const state = asRoot ? '/var/lib/nsbox' : join(process.env['HOME'] ?? '', '.local/state/nsbox')
    const script = `ls ${state}/changes; echo x 2>&- >${state}/changes/y || echo refused; rm -rf ${state} 2>&-; true`
    const run = (...options: string[]) =>
      nsbox(['--changes', 'review', '--quiet', ...options, 'sh', '-c', script], { cwd: project }).stdout
    assert.is(run(), 'refused\n')
    assert.is(run('--ro', '--bind', dirname(state), '--bind', '.'), 'refused\n')
    for (let n = 0; n < 2; n++) {
      assert.match(nsbox(['changes', '--all'], { cwd: project }).stdout, /: sh -c /)
      assert.is(nsbox(['changes', '--discard'], { cwd: project }).status, 0)
    }
  }),
)

test(
  'a review that somebody else could write to is not trusted',
  inPlace(({ project }) => {
    if (asRoot) return
    const state = join(project, 'state')
    mkdirSync(join(state, 'nsbox'), { recursive: true })
    chmodSync(join(state, 'nsbox'), 0o777)
    const env = { ...process.env, XDG_STATE_HOME: state }
    const run = () => nsbox([...BOX, 'true'], { cwd: project, env })
    failure(run(), /the directory of reviews is open to other users: .*\nhint: chmod 700/)
    execFileSync('rm', ['-r', join(state, 'nsbox')])
    symlinkSync(project, join(state, 'nsbox'))
    failure(run(), /the directory of reviews is a link/)
  }),
)

test.run()
