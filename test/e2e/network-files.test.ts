/** A box with hosts by name asks its own resolver, whatever the host or the root has, and leaves nothing there. */
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { busyboxRoot, inTemp, nsbox, planOf } from '../helpers/nsbox.ts'
import { nsboxAmong } from '../helpers/named-hosts.ts'

const SHOWN = 'cat /etc/resolv.conf /etc/hosts; grep "^hosts" /etc/nsswitch.conf'
const RESOLVER = 'nameserver 198.18.0.1\nsearch .\noptions timeout:2 attempts:2\n'
const LOCALHOST = '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n'

/** An /etc in which resolv.conf is a link to a file that isn't there, and hosts has a secret. */
const ETC = `mkdir "$0/etc"; cp /etc/passwd /etc/group /etc/ld.so.cache "$0/etc/"; ln -s ../run/none/resolv.conf "$0/etc/resolv.conf"; echo '192.0.2.9 of-the-host.test' >"$0/etc/hosts"; printf 'passwd: files\\nhosts: files resolve [!UNAVAIL=return] dns\\n' >"$0/etc/nsswitch.conf"; mount --bind "$0/etc" /etc`

test(
  "the host's names stay outside, also when the host puts new files there",
  inTemp(async (dir) => {
    // Each of the files is replaced once the box has read it.
    const replace = `{ while [ ! -e "$0/seen" ]; do sleep 0.02; done; for name in hosts resolv.conf nsswitch.conf; do echo changed >"$0/etc/new"; mv "$0/etc/new" "$0/etc/$name"; done; touch "$0/replaced"; } & true`
    const command = `${SHOWN}; touch ${dir}/seen; while [ ! -e ${dir}/replaced ]; do sleep 0.02; done; ${SHOWN}`
    const { status, stdout, stderr } = await nsboxAmong(
      dir,
      '',
      ['--hostname', 'inside', '--allow-host', 'a.example', '--cwd', '/', 'sh', '-c', command],
      { before: `${ETC}; ${replace}` },
    )
    assert.is(status, 0, stderr)
    const once = `${RESOLVER}${LOCALHOST}127.0.1.1 inside\nhosts: files dns\n`
    assert.is(stdout, once + once)
    assert.is(readFileSync(join(dir, 'etc/hosts'), 'utf8'), 'changed\n')
  }),
)

test(
  'sockets of /run are out of sight, but for what is asked for',
  inTemp(async (dir) => {
    const run = `mount -t tmpfs none /run && mkdir /run/nscd /run/asked && touch /run/nscd/socket /run/asked/socket`
    const { status, stdout, stderr } = await nsboxAmong(
      dir,
      '',
      ['--allow-host', 'a.example', '--bind', '/run/asked', '--cwd', '/', 'find', '/run', '-mindepth', '1'],
      { before: run },
    )
    assert.is(status, 0, stderr)
    assert.equal(
      stdout
        .trim()
        .split('\n')
        .filter((path) => !path.startsWith('/run/nsbox')),
      ['/run/asked', '/run/asked/socket'],
    )
  }),
)

/** All names in a directory, with what they are. */
function tree(dir: string): string[] {
  return (readdirSync(dir, { recursive: true }) as string[]).sort().map((name) => {
    const found = lstatSync(join(dir, name))
    const content = found.isSymbolicLink() ? readlinkSync(join(dir, name)) : found.isFile() ? found.size : ''
    return `${name} ${found.mode} ${content}`
  })
}

for (const [name, prepare] of [
  [
    'files',
    (etc: string) => ['resolv.conf', 'hosts'].forEach((file) => writeFileSync(join(etc, file), 'of the root\n')),
  ],
  [
    'a link that leads nowhere',
    (etc: string) => symlinkSync('../run/systemd/resolve/resolv.conf', join(etc, 'resolv.conf')),
  ],
  ['nothing', () => {}],
] as const)
  test(
    `a root of one's own with ${name} in /etc is left as it was`,
    inTemp((dir) => {
      const root = busyboxRoot(join(dir, 'root'), ['proc', 'dev', 'tmp', 'etc', 'run'])
      prepare(join(root, 'etc'))
      const before = tree(root)
      const { status, stdout, stderr } = nsbox([
        ...['--root', root, '--allow-host', 'a.example', '--hostname', 'inside', '--cwd', '/'],
        ...['sh', '-c', SHOWN],
      ])
      assert.is(status, 0, stderr)
      assert.is(stdout, `${RESOLVER}${LOCALHOST}127.0.1.1 inside\nhosts: files dns\n`)
      assert.equal(tree(root), before)
    }),
  )

test(
  'what a mount of the caller shows in the place of such a file stays',
  inTemp((dir) => {
    const own = join(dir, 'own')
    writeFileSync(own, '192.0.2.1 own.test\n')
    mkdirSync(join(dir, 'etc'))
    const file = nsbox(['--allow-host', 'a.example', '--file', `${own}:/etc/hosts`, '--cwd', '/', 'cat', '/etc/hosts'])
    assert.is(file.stdout, '192.0.2.1 own.test\n', file.stderr)
    const { mounts } = planOf(['--allow-host', 'a.example', '--bind', `${dir}/etc:/etc`, 'true']) as unknown as {
      mounts: { type: string; target: string }[]
    }
    assert.equal(
      mounts.filter(({ type }) => type === 'view' || type === 'file'),
      [],
    )
  }),
)

test.run()
