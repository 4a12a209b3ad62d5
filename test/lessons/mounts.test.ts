/** Mounts of the host that made other tools fail: covered ones, automounts, overlays. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot, BIN, busyboxRoot, execute, inTemp, nsbox, NSBOX, TEMP_OF_ROOT, type Ran } from '../helpers/nsbox.ts'

/** Runs SCRIPT in a mount namespace of its own, in which it may mount. */
function mounting(script: string, ...args: string[]): Ran {
  return execute('unshare', [asRoot ? '-m' : '-Urm', 'bash', '-euc', script, 'bash', ...args])
}

const OLDER = [join(BIN, 'deny'), 'mount_setattr', '--', NSBOX]
const FLAGS = [[], ['--ro'], ['--overlay'], ['--userns']]

for (const [name, program] of Object.entries({ 'mount API': [NSBOX], 'before Linux 5.12': OLDER })) {
  test(
    `bw#118, bw#119: mounts of the host that others cover keep no box from starting (${name})`,
    inTemp((dir) => {
      // A covered mount; one below a covered mount; and one covered by a mount on a directory above.
      const script = `cd "$1"; shift; mkdir a b; for d in a a b; do mount -t tmpfs t $d; mkdir -p $d/c/d; mount -t tmpfs t $d/c/d; done; mount -t tmpfs t b/c
      for f in ${FLAGS.map((flags) => `'${flags.join(' ')}'`).join(' ')}; do "$@" --cwd / $f sh -c 'echo ran'; done`
      const { status, stdout, stderr } = mounting(script, dir, ...program)
      assert.equal([status, stdout], [0, 'ran\n'.repeat(FLAGS.length)], stderr)
    }),
  )

  test(
    `what the host has mounted with other access times can be shown to ordinary users (${name})`,
    inTemp((dir) => {
      const script = `cd "$1"; shift; mkdir a b c d; mount -t tmpfs -o strictatime t a; mount -t tmpfs -o strictatime,nodiratime t b; mount -t tmpfs -o noatime t c; mount -t tmpfs -o relatime,nodiratime t d
      for f in ${FLAGS.map((flags) => `'${flags.join(' ')}'`).join(' ')} '--tmpfs /tmp'; do "$@" --cwd / $f sh -c 'echo ran'; done; "$@" --cwd / --userns --ro-bind "$PWD/b" sh -c 'grep -q "$0 ro[^ ]*nodiratime" /proc/self/mountinfo && echo shown' "$PWD/b"`
      const { status, stdout, stderr } = mounting(script, dir, ...program)
      assert.equal([status, stdout], [0, `${'ran\n'.repeat(FLAGS.length + 1)}shown\n`], stderr)
    }),
  )
}

/**
 * Makes a direct automount at its first argument, which no process serves, and runs the command. 3: no automounts
 * here.
 */
const AUTOMOUNT = `
import ctypes, os, subprocess, sys
libc = ctypes.CDLL(None, use_errno=True)
r, w = os.pipe()
if libc.mount(b'nobody', sys.argv[1].encode(), b'autofs', 0, b'fd=%d,pgrp=%d,minproto=5,maxproto=5,direct' % (w, os.getpgid(0))) != 0: sys.exit(3)
os.close(w)
box = subprocess.Popen(sys.argv[2:], start_new_session=True)
try: sys.exit(box.wait(20))
except subprocess.TimeoutExpired:
    os.killpg(box.pid, 9)
    sys.exit(4)
`

test(
  'bw#541, fp#1633: no box triggers an automount that no option names',
  inTemp((dir) => {
    const root = busyboxRoot(join(dir, 'r'))
    for (const at of ['net', 'srv/net']) mkdirSync(join(root, at), { recursive: true })
    let ran = 0
    for (const program of [[NSBOX], OLDER])
      for (const at of ['net', 'srv/net'])
        for (const flags of FLAGS)
          for (const own of [[], ['--root', root]]) {
            const { status, stdout, stderr } = mounting(
              'exec python3 -c "$@"',
              AUTOMOUNT,
              join(root, at),
              ...program,
              '--cwd',
              '/',
              ...flags,
              ...own,
              'sh',
              '-c',
              'echo ran',
            )
            if (status === 3) continue
            assert.equal([status, stdout], [0, 'ran\n'], [...program, at, ...flags, ...own, stderr].join(' '))
            ran++
          }
    // Only root can try it, since a user namespace may not mount autofs.
    if (asRoot && execute('grep', ['-q', 'autofs', '/proc/filesystems']).status === 0) assert.is(ran, 32)
  }),
)

test(
  'podman#13123: a directory can be renamed in an overlay, or the program is told to copy',
  inTemp((dir) => {
    const lower = join(dir, 'lower')
    mkdirSync(join(lower, 'old'), { recursive: true })
    mkdirSync(join(dir, 'state'))
    writeFileSync(join(lower, 'old/file'), 'file\n')
    const rename = (...flags: string[]) =>
      nsbox([
        '--cwd',
        '/',
        ...flags,
        'python3',
        '-c',
        'import os, sys\ntry: os.rename(sys.argv[1] + "/old", sys.argv[1] + "/new"); print(open(sys.argv[1] + "/new/file").read())\nexcept OSError as e: print(e.strerror)',
        lower,
      ]).stdout.trim()
    assert.is(rename('--overlay'), asRoot ? 'file' : 'Invalid cross-device link')
    assert.is(rename('--overlay', '--userns'), 'Invalid cross-device link')
    // If changes are kept, a renamed directory could leave the next box's mask behind.
    assert.is(rename(`--overlay=${join(dir, 'state')}`), 'Invalid cross-device link')
    // In an overlay, ordinary users can't make files in another user's directory.
    if (!asRoot) return
    const { stdout, stderr } = nsbox([
      '--cwd',
      '/',
      '--overlay',
      'sh',
      '-c',
      `mv ${lower}/old ${lower}/new && cat ${lower}/new/file`,
    ])
    assert.is(stdout, 'file\n', stderr)
  }, TEMP_OF_ROOT),
)

const onlyRoot = asRoot ? test : test.skip
onlyRoot(
  'a note of a rename that somebody has left in kept changes is not followed past a mask (needs root)',
  inTemp((dir) => {
    const lower = join(dir, 'lower')
    const state = join(dir, 'state')
    for (const path of [join(lower, 'secret'), state]) mkdirSync(path, { recursive: true })
    writeFileSync(join(lower, 'secret/file'), '')
    const box = (command: string) =>
      nsbox(['--cwd', '/', `--overlay=${state}`, '--mask', join(lower, 'secret'), 'sh', '-c', command]).stdout
    assert.is(box(`mkdir ${lower}/x && echo made`), 'made\n')
    const note = execute('python3', [
      '-c',
      'import os, sys; os.setxattr(sys.argv[1], "trusted.overlay.redirect", sys.argv[2].encode())',
      `${state}/upper${lower}/x`,
      `${lower}/secret`,
    ])
    assert.is(note.status, 0, note.stderr)
    assert.is(box(`ls ${lower}/x 2>/dev/null; echo ran`), 'ran\n')
    // The test can fail: an overlay with the kernel's defaults follows it.
    const { stdout } = mounting(
      'mkdir "$1/m"; mount -t overlay -o "lowerdir=/,upperdir=$2/upper,workdir=$2/work,redirect_dir=follow" o "$1/m"; ls "$1/m$3"',
      dir,
      state,
      join(lower, 'x'),
    )
    assert.is(stdout, 'file\n')
  }, TEMP_OF_ROOT),
)

test.run()
