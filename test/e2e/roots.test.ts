/** Boxes in real roots: one of the host's programs, busybox, a whole Debian, and the machine's own. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { cc, hasCc } from '../rootfs/helpers.ts'
import { asRoot, busyboxRoot, execute, INTERFACES, inTemp, NSBOX, nsbox, treeOf, type Ran } from '../helpers/nsbox.ts'

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const identities = [[], ['--map-root']]

/** The output of a box that must work, with an empty stderr. */
function ok({ status, stdout, stderr }: Ran): string {
  assert.is(stderr, '')
  assert.is(status, 0)
  return stdout
}

function build(...args: string[]): string {
  return ok(nsbox(['rootfs', 'build', ...args]))
}

for (const { name, box } of INTERFACES) {
  test(
    `a root built of the host's programs runs them, as oneself and as root (${name})`,
    inTemp((dir) => {
      const root = join(dir, 'r')
      build(root, 'bash', 'ls', 'cat', 'id')
      const before = treeOf(root)
      for (const who of identities) {
        const out = ok(box(['--root', root, ...who, 'bash', '-c', 'echo ${BASH_VERSION%%.*}; ls /; id -u']))
        const version = ok(execute('bash', ['-c', 'echo ${BASH_VERSION%%.*}'])).trim()
        assert.equal(out.trim().split('\n'), [
          version,
          ...readdirSync(root).sort(),
          who.length ? '0' : String(process.getuid?.()),
        ])
      }
      assert.equal(treeOf(root), before)
    }),
  )

  test(
    `a whole busybox runs in its root (${name})`,
    inTemp((dir) => {
      const root = busyboxRoot(join(dir, 'r'))
      for (const who of identities) {
        assert.is(
          ok(
            box([
              '--root',
              root,
              ...who,
              '--tmpfs',
              '/tmp',
              'sh',
              '-c',
              'cd /tmp; for i in c a b; do echo $i; done | sort >x; cat x; ps | wc -l; ls /dev/null',
            ]),
          ).replace(/\d+/, 'N'),
          'a\nb\nc\nN\n/dev/null\n',
        )
      }
    }),
  )

  test(`the machine's own root runs its programs (${name})`, () => {
    for (const who of identities) {
      const out = ok(box([...who, 'bash', '-c', 'hostname=$(uname -n); echo ${#hostname}; ls / | wc -l; id -u']))
      assert.equal(out.trim().split('\n').slice(1), [
        String(readdirSync('/').filter((entry) => !entry.startsWith('.')).length),
        who.length ? '0' : String(process.getuid?.()),
      ])
    }
  })
}

test(
  'a script and its interpreters run in a root that was built for it',
  inTemp((dir) => {
    const script = join(dir, 'hello there')
    writeFileSync(script, '#!/usr/bin/env -S bash -e\necho "$0 says $1"\nfalse\necho not reached\n', { mode: 0o755 })
    build(join(dir, 'r'), script)
    const { status, stdout, stderr } = nsbox(['--root', join(dir, 'r'), script, 'hi'])
    assert.equal([status, stdout, stderr], [1, `${script} says hi\n`, ''])
  }),
)

const withCc = (title: string, body: () => Promise<void>) =>
  hasCc ? test(title, body) : test.skip(`${title} (gcc is missing)`, body)
withCc(
  'a program finds the libraries beside it ($ORIGIN) in a root that was built for it, also through links',
  inTemp((dir) => {
    mkdirSync(join(dir, 'p/bin'), { recursive: true })
    mkdirSync(join(dir, 'p/lib'))
    cc(
      'int answer(void) { return 42; }',
      join(dir, 'p/lib/libanswer.so'),
      '-shared',
      '-fPIC',
      '-Wl,-soname,libanswer.so',
    )
    const source = '#include <stdio.h>\nint answer(void); int main(void) { return !printf("%d\\n", answer()); }'
    cc(source, join(dir, 'p/bin/tool'), join(dir, 'p/lib/libanswer.so'), '-Wl,-rpath,$ORIGIN/../lib')
    execute('ln', ['-s', 'p/bin/tool', join(dir, 'first')])
    execute('ln', ['-s', join(dir, 'first'), join(dir, 'second')])
    build(join(dir, 'r'), join(dir, 'second'))
    for (const who of identities) assert.is(ok(nsbox(['--root', join(dir, 'r'), ...who, join(dir, 'second')])), '42\n')
  }),
)

test(
  'building twice, and building more into a root, keeps its files and works',
  inTemp((dir) => {
    const root = join(dir, 'r')
    build(root, 'bash', 'ls')
    const first = treeOf(root)
    build(root, 'bash', 'ls')
    assert.equal(treeOf(root), first)
    build(root, 'cat')
    const now = new Set(treeOf(root))
    assert.equal(
      first.filter((line) => !now.has(line)),
      [],
    )
    assert.is(ok(nsbox(['--root', root, 'bash', '-c', 'echo x | cat'])), 'x\n')
  }),
)

test(
  'with nss, users and groups have their names in the box; without, they have numbers',
  inTemp((dir) => {
    const who = ok(execute('id', ['-un'])).trim()
    build(join(dir, 'named'), '--with', 'nss', 'bash', 'id', 'ls')
    build(join(dir, 'plain'), 'bash', 'id', 'ls')
    assert.is(ok(nsbox(['--root', join(dir, 'named'), 'id', '-un'])), `${who}\n`)
    assert.is(ok(nsbox(['--root', join(dir, 'named'), '--map-root', 'id', '-un'])), 'root\n')
    const { status, stdout } = nsbox(['--root', join(dir, 'plain'), 'id', '-un'])
    assert.is.not(status, 0)
    assert.is(stdout.trim(), String(process.getuid?.()))
  }),
)

const hasLocale = existsSync('/usr/lib/locale/C.utf8')
const withLocale = (title: string, body: () => Promise<void>) =>
  hasLocale ? test(title, body) : test.skip(`${title} (this machine has no C.utf8)`, body)
withLocale(
  'with locale, programs count characters and not bytes',
  inTemp((dir) => {
    const root = join(dir, 'r')
    build(root, '--with=locale', 'bash')
    assert.is(ok(nsbox(['--root', root, '--env', 'LC_ALL=C.UTF-8', 'bash', '-c', 'word=äöü; echo ${#word}'])), '3\n')
  }),
)

const terminal = ['tput', 'infocmp'].find((program) => existsSync(`/usr/bin/${program}`))
const withTerminal = (title: string, body: () => Promise<void>) =>
  terminal ? test(title, body) : test.skip(`${title} (this machine has no tput)`, body)
withTerminal(
  'with terminfo, a program finds its terminal',
  inTemp((dir) => {
    const args = terminal === 'tput' ? ['-T', 'xterm', 'cols'] : ['xterm']
    build(join(dir, 'r'), '--with=terminfo', terminal ?? '')
    ok(nsbox(['--root', join(dir, 'r'), terminal ?? '', ...args]))
    build(join(dir, 'bare'), terminal ?? '')
    assert.is.not(nsbox(['--root', join(dir, 'bare'), terminal ?? '', ...args]).status, 0)
  }),
)

const hasCertificates = existsSync('/etc/ssl/certs/ca-certificates.crt') && existsSync('/usr/bin/openssl')
const withCertificates = (title: string, body: () => Promise<void>) =>
  hasCertificates ? test(title, body) : test.skip(`${title} (this machine has no openssl and ca-certificates)`, body)
withCertificates(
  'with ca-certificates, a program in the box trusts what the host trusts',
  inTemp((dir) => {
    const root = join(dir, 'r')
    build(root, '--with=ca-certificates', 'openssl')
    const bundle = '/etc/ssl/certs/ca-certificates.crt'
    // OpenSSL finds a certificate in the directory only by a link whose name is the certificate's hash.
    const first = readFileSync(bundle, 'utf8').split('-----END CERTIFICATE-----')[0]
    writeFileSync(join(dir, 'one.pem'), `${first}-----END CERTIFICATE-----\n`)
    const { status, stdout, stderr } = nsbox([
      '--root',
      root,
      '--file',
      `${dir}/one.pem:/one.pem`,
      'openssl',
      'verify',
      '-CApath',
      '/etc/ssl/certs',
      '/one.pem',
    ])
    assert.is(status, 0, stderr)
    assert.is(stdout, '/one.pem: OK\n')
  }),
)

test(
  "hard links need no room, and what nsbox does to a box never reaches the host's files through them",
  inTemp((dir) => {
    const tool = join(dir, 'busybox')
    execute('cp', ['/bin/busybox', tool])
    const root = join(dir, 'r')
    build(root, '--by', 'hardlink', tool)
    assert.is(statSync(join(root, tool)).ino, statSync(tool).ino)
    assert.is(
      ok(
        nsbox(['--root', root, '--overlay', tool, 'sh', '-c', `${tool} rm ${tool} && ! test -e ${tool} && echo gone`]),
      ),
      'gone\n',
    )
    assert.is(statSync(tool).nlink, 2)
  }),
)

test(
  "a root whose path has blanks and line feeds, one that is a link, one that is read-only and one of another's all work",
  inTemp((dir) => {
    const odd = join(dir, 'a b\nc')
    const root = join(odd, 'r')
    build(root, 'bash', 'ls')
    execute('ln', ['-s', root, join(dir, 'link')])
    execute('chmod', ['a-w', root])
    for (const path of [root, join(dir, 'link')]) assert.is(ok(nsbox(['--root', path, 'bash', '-c', 'echo x'])), 'x\n')
    execute('chmod', ['u+w', root])
    if (!asRoot) return
    execute('chown', ['-R', '12345:12345', root])
    for (const who of [[], ['--map-root'], ['--userns']])
      assert.is(ok(nsbox(['--root', root, ...who, 'bash', '-c', 'echo x'])), 'x\n')
  }),
)

const DEBIAN = resolve(import.meta.dir, '../../dist/debian-root')
function debian(title: string, body: () => void): void {
  if (existsSync(DEBIAN)) return void test(title, body)
  const why = existsSync(`${DEBIAN}.skipped`)
    ? readFileSync(`${DEBIAN}.skipped`, 'utf8').trim()
    : 'make debian-root makes it, as root'
  test.skip(`${title} (no Debian root: ${why})`, body)
}

for (const { name, box } of INTERFACES) {
  for (const who of [...identities, ...(asRoot ? [['--userns']] : [])]) {
    const debianBox = (...args: string[]) =>
      ok(
        box([
          '--root',
          DEBIAN,
          ...who,
          '--clear-env',
          '--env',
          `PATH=${PATH}`,
          '--env',
          'HOME=/tmp',
          '--env',
          'LC_ALL=C',
          ...args,
        ]),
      )
    debian(
      `a whole Debian runs its package tools, perl and a login shell${who.length ? `, with ${who}` : ''} (${name})`,
      () => {
        assert.match(debianBox('dpkg', '-l'), /^ii  bash +5\.\S+ /m)
        assert.match(debianBox('apt-get', '--version'), /^apt \d/)
        assert.is(debianBox('perl', '-e', 'print 6 * 7'), '42')
        assert.is(debianBox('bash', '-l', '-c', 'shopt -q login_shell && . /etc/os-release && echo $ID'), 'debian\n')
        const uid = who.includes('--map-root') ? 0 : process.getuid?.()
        assert.is(
          debianBox('sh', '-c', 'id -u; readlink /dev/stdin; stat -c %F /dev/null'),
          `${uid}\n/proc/self/fd/0\ncharacter special file\n`,
        )
      },
    )
  }
}

debian('in an overlay of a whole Debian, packages are taken away, and the root is as before', () => {
  const before = readdirSync(join(DEBIAN, 'usr/bin')).length
  const script = 'rm -f /usr/bin/pe* && ls /usr/bin | wc -l && touch /etc/new && mkdir /srv/a && ls -d /etc/new /srv/a'
  const plain = 'touch /new && mkdir /dir && ls -d /new /dir'
  if (asRoot)
    assert.match(ok(nsbox(['--root', DEBIAN, '--overlay', 'sh', '-c', script])), /^\d+\n\/etc\/new\n\/srv\/a\n$/)
  else assert.is(ok(nsbox(['--root', DEBIAN, '--overlay', '--map-root', 'sh', '-c', plain])), '/dir\n/new\n')
  assert.is(readdirSync(join(DEBIAN, 'usr/bin')).length, before)
  for (const made of ['etc/new', 'srv/a', 'new', 'dir']) assert.not(existsSync(join(DEBIAN, made)), made)
})

const rootTest = (title: string, body: () => Promise<void>) =>
  asRoot ? test(title, body) : test.skip(`${title} (only root may mount)`, body)
rootTest(
  'a host whose mounts are shared sees nothing of a box in any root, during and after',
  inTemp((dir) => {
    const root = join(dir, 'r')
    build(root, 'bash', 'ls', 'cat')
    mkdirSync(join(root, 'proc'))
    mkdirSync(join(root, 'tmp'))
    const script = `
    mount --make-rshared / && mount -t tmpfs shared "$1" && mount --make-shared "$1" || exit 1
    cat /proc/self/mountinfo >"$1/before"; root=$2; box=$3; state=$1
    for options in "--root $root" "--root $root --overlay" "--overlay"; do
      : >"$state/said"
      "$box" $options --tmpfs /tmp bash -c 'echo ready; read go' <"$state/../fifo" >"$state/said" &
      exec 9>"$state/../fifo"
      until grep -q ready "$state/said"; do :; done
      cat /proc/self/mountinfo >"$state/during"
      echo go >&9; exec 9>&-; wait
      cat /proc/self/mountinfo >"$state/after"
      cmp "$state/before" "$state/during" && cmp "$state/before" "$state/after" || exit 1
    done
    echo same`
    const state = join(dir, 'state')
    mkdirSync(state)
    execute('mkfifo', [join(dir, 'fifo')])
    assert.is(
      ok(execute('unshare', ['-m', '--propagation', 'private', 'bash', '-c', script, 'bash', state, root, NSBOX])),
      'same\n',
    )
  }),
)

test.run()
