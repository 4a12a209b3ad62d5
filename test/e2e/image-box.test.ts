/** Boxes of images: the image's own words, its layers, and what a box leaves alone. The images are made by hand. */
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { DIGEST, putImage, REFERENCE, whiteout } from '../helpers/image.ts'
import { asRoot, busyboxRoot, execute, failure, inTemp, NSBOX, type Ran, treeOf } from '../helpers/nsbox.ts'

const PINNED = `${REFERENCE}@${DIGEST}`

/** A base, and a layer above it that takes a file away and adds another. */
function base(fs: string): void {
  busyboxRoot(fs, ['tmp', 'etc', 'data', 'srv'])
  writeFileSync(join(fs, 'data/below'), 'below\n')
  writeFileSync(join(fs, 'data/gone'), '')
  symlinkSync('../run/stub-resolv.conf', join(fs, 'etc/resolv.conf'))
  writeFileSync(join(fs, 'etc/hosts'), 'of the builder\n')
}

function above(fs: string): void {
  mkdirSync(join(fs, 'data'))
  writeFileSync(join(fs, 'data/above'), 'above\n')
  whiteout(join(fs, 'data/gone'))
}

/** Runs nsbox with a cache of the test's own. */
const inCache = (cache: string, args: readonly string[], input = ''): Ran =>
  execute(NSBOX, args, { input, env: { ...process.env, NSBOX_CACHE: cache, TERM: 'vt100', SECRET: 's' } })

function ok({ status, stdout, stderr }: Ran): string {
  assert.equal([status, stderr], [0, ''])
  return stdout
}

const withCache = (body: (cache: string, dir: string) => void | Promise<void>) =>
  inTemp((dir) => {
    const cache = join(dir, 'cache')
    mkdirSync(cache, { mode: 0o700 })
    return body(cache, dir)
  })

test(
  'layers show as one tree, changes vanish, and no layer is written to',
  withCache((cache) => {
    const layers = putImage(cache, [base, above])
    const before = layers.map(treeOf)
    const script = 'cat /data/above /data/below; ls /data; echo x >/data/below; rm -r /srv; mkdir /srv; ls -d /srv'
    assert.is(ok(inCache(cache, ['--image', REFERENCE, 'sh', '-c', script])), 'above\nbelow\nabove\nbelow\n/srv\n')
    assert.equal(layers.map(treeOf), before)
  }),
)

test(
  "the image's command, variables, directory and user are the box's, and the caller's environment stays out",
  withCache((cache) => {
    const entrypoint = ['sh', '-c', 'echo "$@"; id -u; pwd; env | sort', 'sh']
    putImage(cache, [base], { entrypoint, cmd: ['by', 'default'], env: ['MODE=image'], cwd: '/made/here' })
    const variables = 'MODE=image\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nTERM=vt100\n'
    const shown = (args: string[]) => ok(inCache(cache, args)).replace(/^(PWD|SHLVL|HOME)=.*\n/gm, '')
    assert.is(shown(['--image', REFERENCE]), `by default\n0\n/made/here\n${variables}`)
    const own = ['--image', REFERENCE, '--env', 'MODE=mine', '--cwd', '/tmp', '--user', '7']
    assert.is(shown([...own, '--', 'my', 'words']), `my words\n7\n/tmp\n${variables.replace('image', 'mine')}`)
    assert.is(ok(inCache(cache, ['--image', REFERENCE, '--entrypoint', 'echo', 'this'])), 'this\n')
  }),
)

test(
  'a box starts for a User by number, whoever starts it, and files can be made by it',
  withCache((cache) => {
    putImage(cache, [(fs) => (base(fs), chmodSync(join(fs, 'tmp'), 0o1777))], { user: '33:44' })
    const script = 'id -u; id -g; touch /tmp/x && stat -c %u:%g /tmp/x'
    assert.is(ok(inCache(cache, ['--image', REFERENCE, 'sh', '-c', script])), '33\n44\n33:44\n')
    assert.is(ok(inCache(cache, ['--image', REFERENCE, '--user', '0:0', 'id', '-u'])), '0\n')
  }),
)

test(
  "a User by name, HOME and the shell come from the image's own passwd",
  withCache((cache) => {
    const withUsers = (fs: string) => {
      base(fs)
      writeFileSync(join(fs, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\nweb:x:33:44::/home/web:/bin/sh\n')
      writeFileSync(join(fs, 'etc/group'), 'root:x:0:\nweb:x:44:\n')
    }
    putImage(cache, [withUsers], { user: 'web' })
    const shell = (...more: string[]) =>
      ok(inCache(cache, ['--image', REFERENCE, ...more], 'id -u; id -g; echo $HOME $0')).split('\n')
    assert.equal(shell().slice(0, 3), ['33', '44', '/home/web /bin/sh'])
    assert.equal(shell('--user', 'root').slice(0, 3), ['0', '0', '/root /bin/sh'])
    assert.equal(shell('--user', '5').slice(0, 3), ['5', '5', '/ /bin/sh'])
    assert.equal(shell('--env', 'HOME=/tmp').slice(2, 3), ['/tmp /bin/sh'])
  }),
)

test(
  "resolv.conf, hosts and hostname are the host's and the box's, and never written into the image",
  withCache((cache) => {
    const [layer = ''] = putImage(cache, [base])
    const script = 'cat /etc/resolv.conf; echo --; cat /etc/hosts; echo --; cat /etc/hostname; echo x >>/etc/hosts'
    const shown = (...more: string[]) =>
      ok(inCache(cache, ['--image', REFERENCE, ...more, '--hostname', 'mine', 'sh', '-c', script])).split('--\n')
    for (const how of [[], ['--overlay']]) {
      const [resolv, hosts = '', hostname] = shown(...how)
      assert.is(resolv, existsSync('/etc/resolv.conf') ? readFileSync('/etc/resolv.conf', 'utf8') : '')
      assert.match(hosts, /^127\.0\.1\.1 mine$/m)
      assert.is(hostname, 'mine\n')
    }
    assert.is(readFileSync(join(layer, 'etc/hosts'), 'utf8'), 'of the builder\n')
    const own = ['--image', REFERENCE, '--no-host-files', 'cat', '/etc/hosts']
    assert.is(ok(inCache(cache, own)), 'of the builder\n')
    // The files are there also where nothing can be made.
    assert.is(ok(inCache(cache, ['--image', REFERENCE, '--ro', '--hostname', 'ro', 'cat', '/etc/hostname'])), 'ro\n')
  }),
)

test(
  "the box's root and /etc can be entered by all its users, whatever the caller's umask",
  withCache((cache) => {
    putImage(cache, [base])
    const command = [NSBOX, '--image', REFERENCE, 'stat', '-c', '%a', '/', '/etc', '/etc/hosts']
    const ran = execute('sh', ['-c', 'umask 077; exec "$0" "$@"', ...command], {
      env: { ...process.env, NSBOX_CACHE: cache },
    })
    assert.match(ok(ran), /^755\n755\n[67]\d\d\n$/)
  }),
)

test(
  'an overlay with a directory keeps the changes, and --ro refuses them',
  withCache((cache, dir) => {
    putImage(cache, [base, above])
    const state = join(dir, 'state')
    mkdirSync(state)
    ok(inCache(cache, ['--image', REFERENCE, `--overlay=${state}`, 'sh', '-c', 'echo kept >/data/new']))
    assert.is(ok(inCache(cache, ['--image', REFERENCE, `--overlay=${state}`, 'cat', '/data/new'])), 'kept\n')
    const readonly = inCache(cache, ['--image', REFERENCE, '--ro', 'touch', '/data/new'])
    assert.match(readonly.stderr, /Read-only file system/)
  }),
)

test(
  'a stored plan and a baked program start the same image, and say how to get one that was removed',
  withCache((cache, dir) => {
    putImage(cache, [base, above], { cmd: ['cat', '/data/above'], cwd: '/srv' })
    const plan = ok(inCache(cache, ['plan', '--image', REFERENCE]))
    assert.is(JSON.parse(plan).root.image, PINNED)
    const baked = join(dir, 'baked')
    ok(inCache(cache, ['bake', '-o', baked, '--image', REFERENCE]))
    assert.is(ok(inCache(cache, ['run', '--plan', '-'], plan)), 'above\n')
    assert.is(ok(execute(baked, [])), 'above\n')
    rmSync(join(cache, 'images/v1/layers'), { recursive: true })
    const message = new RegExp(
      `^nsbox: root: open: \\S+/fs: No such file or directory \\(ENOENT\\)\nhint: nsbox image pull ${PINNED}\n$`,
    )
    failure(inCache(cache, ['run', '--plan', '-'], plan), message)
    failure(execute(baked, []), message)
  }),
)

test(
  'a program baked with an image starts where the image says, or in a directory that a mount shows',
  withCache((cache, dir) => {
    putImage(cache, [base], { cwd: '/srv' })
    const baked = join(dir, 'baked')
    ok(inCache(cache, ['bake', '-o', baked, '--image', REFERENCE, 'pwd']))
    assert.is(ok(execute(baked, [], { cwd: dir })), '/srv\n')
    ok(inCache(cache, ['bake', '--force', '-o', baked, '--image', REFERENCE, '--bind', dir, 'pwd']))
    assert.is(ok(execute(baked, [], { cwd: dir })), `${dir}\n`)
  }),
)

test(
  'a layer stays locked while a box runs in it, and the box can be entered with its own environment',
  withCache(async (cache) => {
    const [layer = ''] = putImage(cache, [base], { env: ['MODE=image'] })
    const env = { ...process.env, NSBOX_CACHE: cache }
    const child = spawn(NSBOX, ['--image', REFERENCE, 'sh', '-c', 'echo in; read line'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env,
    })
    const over = new Promise((done) => child.on('close', done))
    await new Promise((done) => child.stdout.once('data', done))
    assert.is(spawnSync('flock', ['-n', '-x', layer, 'true']).status, 1)
    const entered = inCache(cache, ['enter', String(child.pid), 'sh', '-c', 'echo "$MODE ${SECRET-none}"; id -u'])
    assert.is(ok(entered), 'image none\n0\n')
    child.stdin.end('\n')
    assert.is(await over, 0)
    assert.is(spawnSync('flock', ['-n', '-x', layer, 'true']).status, 0)
  }),
)

test(
  "a box that shows the caller's home can't write to the cache in it, nor put another in its place",
  withCache((_, dir) => {
    const cache = join(dir, 'home/.cache/nsbox')
    mkdirSync(cache, { recursive: true, mode: 0o700 })
    const [layer = ''] = putImage(cache, [base])
    const home = join(dir, 'home')
    const script = `touch ${layer}/x; echo x >${layer}/data/below; mv ${home}/.cache ${home}/other; touch ${home}/fine`
    const ran = inCache(cache, ['--image', REFERENCE, '--bind', home, 'sh', '-c', script])
    assert.is(ran.status, 0, ran.stderr)
    assert.is(ran.stderr.split('\n').filter((line) => /Read-only file system/.test(line)).length, 2, ran.stderr)
    assert.match(ran.stderr, /can't rename/)
    assert.equal([existsSync(join(home, 'fine')), existsSync(join(layer, 'x'))], [true, false])
    assert.is(readFileSync(join(layer, 'data/below'), 'utf8'), 'below\n')
  }),
)

const hasRanges = asRoot || spawnSync('sh', ['-c', 'command -v newuidmap']).status === 0
;(asRoot || !hasRanges ? test.skip : test)(
  'with --map-auto a box has the layers that were unpacked for it',
  withCache((cache) => {
    putImage(cache, [base], { user: '33' }, { mapAuto: true })
    const auto = ['--image', REFERENCE, '--map-auto', 'sh', '-c', 'id -u; stat -c %u /bin/busybox']
    assert.is(ok(inCache(cache, auto)), '33\n0\n')
    failure(inCache(cache, ['--image', REFERENCE, '--pull', 'never', 'true']), /^nsbox: image: is not in the cache: /)
  }),
)

test(
  "a baked program has the terminal's kind of whoever runs it, and so has a command that enters",
  withCache(async (cache, dir) => {
    putImage(cache, [base], { env: ['MODE=image'] })
    const program = join(dir, 'baked')
    ok(inCache(cache, ['bake', '-o', program, '--image', REFERENCE, 'sh', '-c', 'echo $TERM $MODE']))
    const as = (TERM: string) => ({ env: { PATH: process.env.PATH, NSBOX_CACHE: cache, TERM, MODE: 'mine' } })
    assert.is(ok(execute(program, [], as('xterm-baked'))), 'xterm-baked image\n')
    const env = { ...process.env, NSBOX_CACHE: cache }
    const running = spawn(NSBOX, ['--image', REFERENCE, 'sh', '-c', 'echo in; read line'], { env })
    await new Promise((done) => running.stdout.once('data', done))
    const enter = ['enter', String(running.pid), '--env', 'MODE', 'sh', '-c', 'echo $TERM $MODE']
    assert.is(ok(execute(NSBOX, enter, as('xterm-enter'))), 'xterm-enter mine\n')
    running.stdin.end('\n')
    await new Promise((done) => running.on('close', done))
    const explained = ok(inCache(cache, ['explain', '--image', REFERENCE, 'true']))
    assert.match(explained, /Passed on from the caller: TERM/)
  }),
)

test(
  'explain names the image with its digest, and what its layers are',
  withCache((cache) => {
    putImage(cache, [base, above], { cmd: ['true'] })
    const told = ok(inCache(cache, ['explain', '--image', REFERENCE]))
    const words = told.replace(/\s+/g, ' ')
    assert.ok(words.includes(`the image ${PINNED} (3 directories)`), told)
    assert.match(words, /Each layer is locked first/)
  }),
)

test(
  'an image that is not here, and options that an image alone has, are told apart',
  withCache((cache) => {
    putImage(cache, [base])
    failure(
      inCache(cache, ['--image', 'registry.example/other:2', '--pull', 'never', 'true']),
      /^nsbox: image: is not in the cache: registry\.example\/other:2\nhint: nsbox image pull registry\.example\/other:2, or without --pull never\n$/,
    )
    const rows: [args: string[], message: RegExp][] = [
      [['--image', REFERENCE, '--root', '/usr', 'true'], /^nsbox: --root and --image: both say what the root is\n$/],
      [['--image', REFERENCE, '--tmpfs', '/', 'true'], /^nsbox: --image and --tmpfs \/: /],
      [['--platform', 'linux/arm64', 'true'], /^nsbox: --platform: .*\nhint: it goes with --image REF\n$/],
      [['--entrypoint', 'sh', 'true'], /^nsbox: --entrypoint: .*\nhint: it goes with --image REF\n$/],
      [['--image', 'dir:/', 'true'], /^nsbox: --image: the host's own root is not an image\n/],
      [['--ro'], /^nsbox: run: no command\n/],
      [['--image', REFERENCE, ''], /^nsbox: command: empty value ''\n$/],
    ]
    for (const [args, message] of rows) {
      const { status, stderr } = inCache(cache, args)
      assert.equal([status, message.test(stderr)], [2, true], `${args.join(' ')}: ${stderr}`)
    }
  }),
)

test(
  "a directory is an image too, and stays the user's",
  withCache((cache, dir) => {
    const root = join(dir, 'r')
    mkdirSync(root)
    base(root)
    const before = treeOf(root)
    const run = inCache(cache, ['--image', `dir:${root}`, 'sh', '-c', 'echo x >/new; cat /data/below; id -u'])
    assert.is(ok(run), 'below\n0\n')
    assert.equal(treeOf(root), before)
  }),
)

test.run()
