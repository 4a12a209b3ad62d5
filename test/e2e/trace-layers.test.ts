/** A traced command writes as on the host, wherever that is, and nothing of it stays. */
// seconds: 300
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot, execute, NSBOX, type Ran } from '../helpers/nsbox.ts'
import { inVarTmp } from '../rootfs/helpers.ts'
import { build, ENV, names, succeeded } from './trace-helpers.ts'

/**
 * On a machine whose /tmp is `temporary`, with file systems on `home`, `home/inner` and `home/fixed`; the last is
 * read-only. The user 1234 owns what it may write.
 */
const MOUNTS = `
dir=$1; shift
for name in temporary home owned; do mkdir "$dir/$name"; mount -t tmpfs "$name" "$dir/$name"; done
mount --bind "$dir/temporary" /tmp
mkdir -p "$dir/home/inner" "$dir/home/fixed" "$dir/home/plain" "$dir/owned/by/others/mine"
mount -t tmpfs inner "$dir/home/inner"; mkdir "$dir/home/inner/deep"
mount -t tmpfs fixed "$dir/home/fixed"; echo fixed >"$dir/home/fixed/file"; mount -o remount,ro "$dir/home/fixed"
echo before >"$dir/home/file"
chmod 1777 "$dir/temporary"; chmod 755 "$dir"
chown -R 1234:1234 "$dir/home/inner" "$dir/home/plain" "$dir/home/file" "$dir/owned/by/others/mine"
chown 1234:1234 "$dir/home"; chgrp 1234 "$dir/owned/by/others"; chmod 2775 "$dir/owned/by/others"
find "$dir" -type f ! -name nsbox -exec cat {} + >/dev/null; before=$(find "$dir" | sort)
"$@"; echo "status $?"
[ "$before" = "$(find "$dir" | sort)" ] && cat "$dir/home/file"
`

const WRITE = `
for d in /tmp . $DIR/home $DIR/home/inner $DIR/home/inner/deep $DIR/home/plain $DIR/owned/by/others $DIR/owned/by/others/mine; do
  if echo x >$d/new && mv $d/new $d/other && mkdir $d/made && rmdir $d/made && rm $d/other; then :; else echo "not in $d"; fi
done
echo after >$DIR/home/file; cat $DIR/home/file $DIR/home/fixed/file; pwd
(echo x >$DIR/home/fixed/new) 2>/dev/null || echo fixed is read-only`

function traceThere(dir: string, cwd: string, ...become: string[]): Ran {
  copyFileSync(NSBOX, join(dir, 'nsbox'))
  const trace = [join(dir, 'nsbox'), 'rootfs', 'build', '--dry-run', '--quiet', join(dir, 'r'), '--trace', '--']
  const inside = ['sh', '-c', 'cd "$0" && exec "$@"', join(dir, cwd), ...become, ...trace, 'sh', '-c', WRITE]
  const env = { ...ENV, DIR: dir, HOME: join(dir, 'home') }
  return execute(
    'unshare',
    ['-m', '--propagation', 'private', 'sh', '-euc', MOUNTS.replace('"$@";', 'set +e; "$@";'), 'sh', dir, ...inside],
    { env },
  )
}

const AS_USER = ['setpriv', '--reuid', '1234', '--regid', '1234', '--clear-groups']
for (const [user, become] of [
  ['root', []],
  ['an ordinary user', AS_USER],
] as const)
  for (const cwd of ['home', 'home/inner/deep', 'owned/by/others/mine']) {
    const name = `each mount that ${user} may write takes changes, and a read-only one stays so, from ${cwd}`
    if (!asRoot) test.skip(`${name} (only root can mount the file systems)`, () => undefined)
    else
      test(
        name,
        inVarTmp((dir) => {
          const { stdout, stderr } = traceThere(dir, cwd, ...become)
          assert.is(stdout, 'status 0\nbefore\n', stderr)
          const own = user === 'root' || cwd.startsWith('owned')
          const elsewhere = own ? '' : ['', '/mine'].map((name) => `not in ${dir}/owned/by/others${name}\n`).join('')
          const shown = stderr
            .split('\n')
            .filter((line) => !line.includes('Value too large'))
            .join('\n')
          assert.is(shown, `${elsewhere}after\nfixed\n${join(dir, cwd)}\nfixed is read-only\n`)
        }),
      )
  }

test(
  'what the command has put somewhere itself is not an input, even where this host has another file there',
  inVarTmp((dir) => {
    for (const name of ['moved', 'cut', 'linked', 'read'])
      writeFileSync(join(dir, name), '#!/bin/sh\n', { mode: 0o755 })
    const script = `cat read >/dev/null; cp /bin/true new; mv new moved; ./moved; echo x >cut; cat cut; ln -sf cut linked; cat linked
      echo y >read; cat read`
    succeeded(build(dir, 'r', '--trace', '--', 'sh', '-c', script))
    assert.equal(names(join(dir, 'r', dir)), ['read'])
    assert.is(readFileSync(join(dir, 'r', dir, 'read'), 'utf8'), '#!/bin/sh\n')
    assert.is(readFileSync(join(dir, 'cut'), 'utf8'), '#!/bin/sh\n')
  }),
)

test(
  'a file that a link of the command leads to is in the root, and the link is not',
  inVarTmp((dir) => {
    writeFileSync(join(dir, 'data'), 'data')
    succeeded(
      build(dir, 'r', '--trace', '--', 'sh', '-c', 'ln -s data link; cat link; ln -s /bin/ls list; ./list /none; true'),
    )
    assert.equal(names(join(dir, 'r', dir)), ['data'])
    assert.ok(existsSync(join(dir, 'r/bin/ls')) || existsSync(join(dir, 'r/usr/bin/ls')))
  }),
)

test(
  'a path that no layer takes changes for is named',
  inVarTmp((dir) => {
    const { status, stdout } = build(dir, 'r', '--trace', '--', 'sh', '-c', 'echo x >/sys/nsbox-new')
    assert.is.not(status, 0)
    assert.match(
      stdout,
      'note: could not be written by the command, since no layer takes changes there: /sys/nsbox-new',
    )
  }),
)

const python = ['/usr/bin/python3'].find((path) => existsSync(path))
const SERVERS = 'the command reaches a server of this machine by its socket, also in a layer'
if (python === undefined) test.skip(`${SERVERS} (no /usr/bin/python3)`, () => undefined)
else
  test(
    SERVERS,
    inVarTmp(async (dir) => {
      const path = join(dir, 'socket')
      const server = Bun.listen({ unix: path, socket: { open: (socket) => void socket.end('answer'), data: () => {} } })
      try {
        const ask = `import socket; s = socket.socket(socket.AF_UNIX); s.connect("${path}"); print(s.recv(9))`
        const child = Bun.spawn([NSBOX, 'rootfs', 'build', 'r', '--quiet', '--trace', '--', python, '-c', ask], {
          ...{ cwd: dir, env: ENV, stdout: 'pipe', stderr: 'pipe' },
        })
        const said = await new Response(child.stderr).text()
        assert.equal([await child.exited, said], [0, "b'answer'\n"])
      } finally {
        server.stop(true)
      }
    }),
  )

test.run()
