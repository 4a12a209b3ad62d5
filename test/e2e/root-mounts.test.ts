/** What a root needs from its mounts, by both mount interfaces: /proc and /dev, a read-only root, strange paths, the host's tree. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot, busyboxRoot, execute, inTemp, NSBOX, nsbox, parseMounts, sidecar } from '../helpers/nsbox.ts'
import { each } from '../helpers/each-interface.ts'

each('a root with /proc and /dev gets fresh ones, and one without is left as it is', (box, root) => {
  assert.is(
    box(
      '--root',
      root,
      'sh',
      '-c',
      'echo $$; test $(ls /proc | grep -c "^[0-9]") -lt 10 && echo few; ls /dev; echo x > /dev/null; dd if=/dev/zero bs=1 count=3 2>/dev/null | wc -c; ls /dev/pts',
    ),
    '2\nfew\nfd\nfull\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\nurandom\nzero\n3\nptmx\n',
  )
})

each(
  'a root without /proc and /dev shows what it has and nothing else',
  (box, root) => {
    assert.is(box('--root', root, 'ls', '/'), 'bin\n')
  },
  [],
)

each('an option for /proc or /dev takes the place of the fresh one', (box, root) => {
  assert.is(box('--root', root, '--tmpfs', '/dev', '--tmpfs', '/proc', 'ls', '/dev', '/proc'), '/dev:\n\n/proc:\n')
  const devices = box('--root', root, '--dev-bind', '/dev', 'ls', '/dev')
  assert.is(devices, execute('ls', ['/dev']).stdout)
})

each('a read-only root is read-only, and mounts on it are not', (box, root) => {
  assert.is(
    box(
      '--root',
      root,
      '--ro',
      '--tmpfs',
      '/tmp',
      'sh',
      '-c',
      'touch /x 2>&1 | grep -c Read-only; touch /tmp/x && echo fine',
    ),
    '1\nfine\n',
  )
})

each('in a read-only root a mount point can still be made', (box, root) => {
  assert.is(
    box(
      '--root',
      root,
      '--ro',
      '--tmpfs',
      '/new/place',
      'sh',
      '-c',
      'touch /new/place/x; touch /new/x 2>&1 | grep -c Read-only',
    ),
    '1\n',
  )
})

for (const strange of [
  'with space',
  'new\nline',
  'tab\tand\\backslash',
  'comma,colon:quote"\'',
  'ünï¢ode',
  '-dash',
  '%s%n',
]) {
  each(`a root and a source are found below ${JSON.stringify(strange)}`, (box, root, dir) => {
    const odd = join(dir, strange)
    spawnSync('cp', ['-a', root, odd.endsWith('/') ? odd : `${odd}`])
    mkdirSync(join(dir, `src ${strange}`))
    writeFileSync(join(dir, `src ${strange}`, 'file'), 'found')
    const escaped = join(dir, `src ${strange}`).replaceAll(':', '\\:')
    assert.is(
      box(
        `--root=${odd}`,
        '--ro-bind',
        `${escaped}:/mnt/${strange.replaceAll(':', '\\:')}`,
        'sh',
        '-c',
        'cat "/mnt/$1/file"',
        'sh',
        strange,
      ),
      'found',
    )
  })
}

each('a root that is a link, and one with a relative path, are the directory they lead to', (box, root, dir) => {
  symlinkSync('r', join(dir, 'link'))
  assert.match(box('--root', join(dir, 'link'), 'ls', '/'), 'bin\n')
  const { stdout } = nsbox(['--root', './r', '--bind', '.:/mnt', 'ls', '/mnt'], { cwd: dir })
  assert.is(stdout, 'link\nr\n')
  void root
})

test('a whole tree of the host is bound with its nested mounts', () => {
  const paths = parseMounts(nsbox(['--bind', '/:/mnt', 'cat', '/proc/self/mountinfo']).stdout).map(({ path }) => path)
  assert.ok(paths.includes('/mnt') && paths.includes('/mnt/proc'), paths.join(' '))
})

const onlyRoot = asRoot ? test : test.skip

onlyRoot(
  'nothing of a box shows on a host whose / is shared, during and after (needs root)',
  inTemp((dir) => {
    const root = busyboxRoot(join(dir, 'r'))
    const script = `mount --make-rshared / && cat /proc/self/mountinfo > ${dir}/before
    "$0" --root ${root} --tmpfs /tmp --bind /usr:/mnt sh -c 'echo ready; cat' < <(sleep 2 & wait) > ${dir}/out &
    for i in $(seq 1 1000); do grep -q ready ${dir}/out 2>/dev/null && break; sleep 0.02; done
    cat /proc/self/mountinfo > ${dir}/during; kill %1; wait; cat /proc/self/mountinfo > ${dir}/after`
    const { status, stderr } = spawnSync('unshare', ['--mount', 'bash', '-c', script, NSBOX], { encoding: 'utf8' })
    assert.ok(existsSync(join(dir, 'after')), `${status} ${stderr}`)
    const text = (name: string) => readFileSync(join(dir, name), 'utf8')
    assert.match(text('before'), /shared:/)
    assert.is(text('during'), text('before'))
    assert.is(text('after'), text('before'))
  }),
)

onlyRoot(
  'a root on a tmpfs, on a read-only file system, and of another user serve (needs root)',
  inTemp((dir) => {
    const script = `mount -t tmpfs none ${dir} && mkdir ${dir}/r && cp -a /bin/busybox ${dir}/r/ && chown -R 1234:1234 ${dir}/r && mount -o remount,ro ${dir}
    "$0" --root ${dir}/r /busybox echo works; "$0" --root ${dir}/r --tmpfs /nowhere /busybox true; echo $?`
    const { stdout, stderr } = spawnSync(
      'unshare',
      ['--mount', '--propagation', 'private', 'bash', '-c', script, NSBOX],
      { encoding: 'utf8' },
    )
    assert.is(stdout, 'works\n125\n', stderr)
    assert.match(stderr, /make mount point: \/nowhere: Read-only file system \(EROFS\)\nhint:/)
  }),
)

test(
  'a plan without init runs the same',
  inTemp((dir) => {
    const root = busyboxRoot(join(dir, 'r'))
    const plan = JSON.parse(nsbox(['plan', '--no-init', '--root', root, 'sh', '-c', 'echo $$']).stdout)
    assert.is(sidecar(plan).stdout, '1\n')
  }),
)

test.run()
