/** Users and groups by name in boxes, a shell as the command of a root, and --fake-root, as the command sees them. */
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { putImage, REFERENCE } from '../helpers/image.ts'
import { asRoot, busyboxRoot, execute, failure, inTemp, NSBOX, nsbox, planOf, treeOf } from '../helpers/nsbox.ts'

const onlyRoot = asRoot ? test : test.skip
const onlyUser = asRoot ? test.skip : test
const SHOW = 'echo $(id -u) $(id -g) $(id -G) $HOME'

/** A root with users and groups, in which names are those of its own files. */
function rootIn(dir: string): string {
  const root = busyboxRoot(join(dir, 'r'), ['etc', 'home/app', 'root', 'tmp', 'proc', 'dev'])
  for (const name of ['su', 'chown', 'mknod', 'setpriv', 'mkfifo']) symlinkSync('busybox', join(root, 'bin', name))
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0::/root:/bin/none\napp:x:700:800::/home/app:/bin/sh\n')
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\napps:x:800:\nmore:x:900:app\nfar:x:4000000:app\n')
  return root
}

const output = (args: readonly string[], input = ''): string => {
  const { status, stdout, stderr } = nsbox(args, { input })
  assert.is(status, 0, `${args.join(' ')}: ${stderr}`)
  return stdout.trim()
}

onlyRoot(
  'root becomes a user by name, with the groups and the home of the box (needs root)',
  inTemp((dir) => {
    const root = rootIn(dir)
    assert.is(output(['--root', root, '--user', 'app', 'sh', '-c', SHOW]), '700 800 800 900 4000000 /home/app')
    assert.is(output(['--root', root, '--user', 'app:more', 'sh', '-c', SHOW]), '700 900 900 /home/app')
    assert.is(output(['--root', root, '--user', '5:apps', 'sh', '-c', 'id -u; id -G']), '5\n800')
    assert.is(
      output(['--root', root, '--userns', '--user', 'app', 'sh', '-c', SHOW]),
      '700 800 800 900 4000000 /home/app',
    )
    // On the host's root the names are the host's.
    const id = execute('id', ['nobody']).stdout
    assert.is(output(['--user', 'nobody', 'id']), id.trim())
  }),
)

onlyRoot(
  'a command that enters a box has the groups of its user (needs root)',
  inTemp(async (dir) => {
    const box = spawn(NSBOX, ['--root', rootIn(dir), '--user', 'app', 'sh', '-c', 'echo ready; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      cwd: '/',
    })
    try {
      await new Promise((done) => box.stdout.once('data', done))
      assert.is(output(['enter', String(box.pid), 'sh', '-c', SHOW]), '700 800 800 900 4000000 /home/app')
    } finally {
      box.kill()
      await new Promise((done) =>
        (box.exitCode ?? box.signalCode) !== null ? done(undefined) : box.once('exit', done),
      )
    }
  }),
)

onlyUser(
  'a user has the ids of a name, and the groups that are mapped (as a user)',
  inTemp((dir) => {
    const root = rootIn(dir)
    assert.is(output(['--root', root, '--user', 'app', 'sh', '-c', 'id -u; id -g; echo $HOME']), '700\n800\n/home/app')
    chmodSync(dir, 0o755)
    assert.is(output(['--root', root, '--map-auto', '--user', 'app', 'sh', '-c', SHOW]), '700 800 800 900 /home/app')
    assert.is(output(['--root', root, '--map-auto', '--user', 'root', 'sh', '-c', SHOW]), '0 0 0 /root')
  }),
)

test(
  'HOME is the one of the user that was named, unless an option names another',
  inTemp((dir) => {
    const root = rootIn(dir)
    const home = (...options: string[]) =>
      execute(NSBOX, ['--root', root, ...options, 'sh', '-c', 'echo $HOME'], {
        env: { ...process.env, HOME: '/mine' },
      }).stdout.trim()
    writeFileSync(join(dir, 'vars'), 'HOME=/file\n')
    assert.is(home(), '/mine')
    assert.is(home('--user', '700'), '/mine')
    assert.is(home('--user', 'app'), '/home/app')
    assert.is(home('--clear-env', '--user', 'app'), '/home/app')
    assert.is(home('--user', 'app', '--env', 'HOME=/other'), '/other')
    assert.is(home('--user', 'app', '--env', 'HOME'), '/mine')
    assert.is(home('--user', 'app', '--env-file', join(dir, 'vars')), '/file')
  }),
)

test(
  'a name that the box does not know, and files that are no such files, are errors',
  inTemp((dir) => {
    const root = rootIn(dir)
    const of = (user: string) => nsbox(['--root', root, '--user', user, 'true'])
    failure(of('ap'), /^nsbox: user: the box has no user 'ap': \/.*\/r\/etc\/passwd\nhint: the nearest is app\n$/)
    failure(
      of('app:moore'),
      /^nsbox: user: the box has no group 'moore': .*\/r\/etc\/group\nhint: the nearest is more\n$/,
    )
    spawnSync('rm', [join(root, 'etc/passwd')])
    failure(
      of('app'),
      /^nsbox: user: no user 'app': the box has no such file: .*\nhint: a number needs none: --user UID:GID\n$/,
    )
    symlinkSync('/proc/self/root/etc/passwd', join(root, 'etc/passwd'))
    failure(of('root'), /^nsbox: user: no user 'root': the box has no such file: /)
    const { status, stderr } = nsbox(['--map-auto', '--root', root, '--user', '70000:0', 'true'])
    if (!asRoot) assert.equal([status, /not among the mapped ids/.test(stderr)], [2, true], stderr)
  }),
)

test(
  'the names are those that the mounts of the box show',
  inTemp((dir) => {
    const root = rootIn(dir)
    writeFileSync(join(dir, 'names'), 'bob:x:12:34::/b:\n')
    const uid = (...options: string[]) => planOf([...options, '--user', 'bob', 'true']).process
    const ids = ({ uid: own, gid }: Record<string, unknown>, plan: Record<string, unknown>) =>
      asRoot
        ? [own, gid]
        : JSON.stringify(plan)
            .match(/"inside":(\d+)/g)
            ?.map((text) => Number(text.slice(9)))
    const from = (...options: string[]) => ids(uid(...options), planOf([...options, '--user', 'bob', 'true']))
    assert.equal(from('--root', root, '--ro-bind', `${join(dir, 'names')}:/etc/passwd`), [12, 34])
    assert.equal(from('--tmpfs', '/', '--ro-bind', '/usr', '--file', `${join(dir, 'names')}:/etc/passwd`), [12, 34])
    failure(
      nsbox(['--root', root, '--tmpfs', '/etc', '--user', 'app', 'true']),
      /no user 'app': the box has no such file/,
    )
  }),
)

test(
  'a root of its own runs a shell where no command is named, and the host does not',
  inTemp((dir) => {
    const root = rootIn(dir)
    const script = 'echo $0 $HOME $(id -u)\n'
    assert.is(output(['--root', root, '--user', 'app'], script), '/bin/sh /home/app 700')
    assert.is(output(['--root', root, '--overlay', '--map-root'], script), '/bin/sh /root 0')
    assert.equal(planOf(['--root', root]).process.argv, ['/bin/sh'])
    copyFileSync('/bin/busybox', join(root, 'bin/bash'))
    assert.equal(planOf(['--root', root, '--map-root']).process.argv, ['/bin/bash'])
    assert.match(nsbox(['explain', '--root', root]).stdout, /Run \/bin\/bash/)
    const refused = (args: string[], message: RegExp) => {
      const { status, stderr } = nsbox(args)
      assert.equal([status, message.test(stderr)], [2, true], stderr)
    }
    mkdirSync(join(dir, 'bare'))
    refused(['--root', join(dir, 'bare')], /^nsbox: no command, and the root has no shell\nhint: /)
    refused(['--root', '/'], /^nsbox: no command\nhint: only a root of its own/)
    refused(['--user', 'root'], /^nsbox: run: no command\n/)
    refused(['--tmpfs', '/'], /^nsbox: run: no command\n/)
  }),
)

test(
  'with --fake-root changes of owners and ids succeed and change nothing',
  inTemp((dir) => {
    const root = rootIn(dir)
    const box = (...args: string[]) => nsbox(['--root', root, '--map-root', ...args])
    const script =
      'cd /tmp; : > f; chown 5:6 f && stat -c %u:%g f; chmod 4755 f; su app -c "id -u"; mknod n c 1 3 && mknod p p && ls'
    const without = box('sh', '-c', 'cd /tmp; : > f; chown 5:6 f')
    assert.is.not(without.status, 0)
    const { status, stdout, stderr } = box('--fake-root', 'sh', '-c', script)
    assert.equal([status, stdout], [0, '0:0\n0\nf\np\n'], stderr)
    // Process 1 has the filter as well. It loads it after the command's start, so the test waits, for a limited time.
    const wait =
      'i=0; while [ $i -lt 300 ] && grep -q "^Seccomp:.0" /proc/1/status; do i=$((i+1)); done; grep -c "^Seccomp:.2" /proc/1/status'
    assert.is(box('--fake-root', 'sh', '-c', wait).stdout, '1\n')
    // A command that is not root in the box has its own ids, which were set before.
    const other = nsbox(['--root', root, '--user', 'app', '--fake-root', 'sh', '-c', 'id -u; chown 5 /tmp; echo $?'])
    assert.is(other.stdout, '700\n0\n')
    assert.match(
      nsbox(['explain', '--root', root, '--map-root', '--fake-root', 'true']).stdout,
      /su nobody\s+goes on as root/,
    )
  }),
)

test(
  'apt is told not to change its user, by a file that is nowhere in the root',
  inTemp((dir) => {
    const root = rootIn(dir)
    const conf = join(root, 'etc/apt/apt.conf.d')
    mkdirSync(conf, { recursive: true })
    const before = treeOf(root)
    const show = (...args: string[]) =>
      nsbox(['--root', root, '--map-root', ...args, 'sh', '-c', 'cat /etc/apt/apt.conf.d/99nsbox'])
    assert.is(show('--overlay', '--fake-root').stdout, 'APT::Sandbox::User "root";\n')
    assert.is.not(show('--overlay').status, 0)
    assert.is.not(show('--ro', '--fake-root').status, 0)
    assert.equal(treeOf(root), before)
    // Without an overlay the mount point stays, as every mount point in a root of one's own.
    assert.is(show('--fake-root').stdout, 'APT::Sandbox::User "root";\n')
    assert.equal(
      treeOf(root)
        .filter((line) => !before.includes(line))
        .map((line) => line.split(' ').slice(0, 3).join(' ')),
      ['etc/apt/apt.conf.d/99nsbox 100644 0'],
    )
  }),
)

test(
  'an image whose root is one id has --fake-root by itself, and can do without',
  inTemp((dir) => {
    const cache = join(dir, 'cache')
    const fill = (layer: string) => {
      busyboxRoot(layer, ['proc', 'dev', 'tmp', 'etc/apt/apt.conf.d'])
      symlinkSync('busybox', join(layer, 'bin/chown'))
      writeFileSync(join(layer, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\napp:x:700:800::/home/app:/bin/sh\n')
    }
    const box = (...args: string[]) =>
      nsbox(['--image', REFERENCE, ...args], { env: { ...process.env, NSBOX_CACHE: cache } })
    const script = ['sh', '-c', ': > /tmp/f; chown 5:6 /tmp/f; echo $?; stat -c %u /tmp/f; ls /etc/apt/apt.conf.d']
    putImage(cache, [fill])
    const [own, none] = asRoot ? [['--map-root'], ['--map-root', '--no-fake-root']] : [[], ['--no-fake-root']]
    if (asRoot) {
      // With all ids owners are real.
      assert.is(box(...script).stdout, '0\n5\n')
      return
    }
    assert.is(box(...own, ...script).stdout, '0\n0\n99nsbox\n')
    assert.is(box(...none, ...script).stdout, '1\n0\n')
    assert.is(box('--seccomp', 'none', '--quiet', ...script).stdout, '1\n0\n')
    assert.is(box('--user', 'app', ...script).stdout.split('\n')[0], '1')
  }),
)

test.run()
