/**
 * From an empty home on a fresh machine to README's first box, as root and as a user: by install.sh from a server, and
 * by the Debian package. The machines are a Debian of its smallest set of packages, and what others have differently.
 * Each is an overlay over dist/debian-root in a mount namespace of its own.
 */
// runs once
// seconds: 300
import { spawn } from 'node:child_process'
import { createServer } from 'node:http'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { shellBlocks, TOP } from '../helpers/documents.ts'
import { asRoot, execute } from '../helpers/nsbox.ts'
import { VERSION } from '../helpers/package.ts'
import { quickRelease, RELEASE_NAME } from '../helpers/release.ts'

const DEBIAN = join(TOP, 'dist/debian-root')
const reason = join(TOP, 'dist/debian-root.skipped')
const absence = !asRoot
  ? 'needs root'
  : existsSync(DEBIAN)
    ? undefined
    : existsSync(reason)
      ? readFileSync(reason, 'utf8').trim()
      : 'make debian-root makes dist/debian-root'
if (absence !== undefined) console.log(`skipped: fresh machines: ${absence}`)
const onMachine = absence === undefined ? test : test.skip

/** The root directory becomes a copy of the Debian that nobody else sees, changed by $CHANGE, and $COMMAND runs in it. */
const ENTER = `
mount -t tmpfs tmpfs "$DIR/scratch"
mkdir "$DIR/scratch/upper" "$DIR/scratch/work" "$DIR/scratch/root"
root=$DIR/scratch/root
mount -t overlay overlay -o "lowerdir=$DEBIAN,upperdir=$DIR/scratch/upper,workdir=$DIR/scratch/work" "$root"
mkdir -p "$root/release"
mount --bind "$DIR/release" "$root/release"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --rbind /sys "$root/sys"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs tmpfs "$root/run"
cp "$BUSYBOX" "$root/usr/local/bin/busybox"
cd "$root"
mkdir -p home/user && chown 1000:1000 home/user
echo 'user:x:1000:1000::/home/user:/bin/sh' >>etc/passwd
echo 'user:x:1000:' >>etc/group
pivot_root . .
umount -l .
PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
eval "$CHANGE"
cd ~
[ "$AS" != root ] || exec sh -euc "$COMMAND"
exec /usr/bin/setpriv --reuid=1000 --regid=1000 --clear-groups sh -euc "$COMMAND"
`
/** busybox lends its wget: the smallest Debian has no program that downloads. */
const WITH_WGET = 'ln -s busybox /usr/local/bin/wget'

/** What differs on a machine from the smallest Debian, as commands in its root directory. */
const MACHINES: Record<string, string> = {
  Debian: WITH_WGET,
  'libraries in /usr/lib64, bash as sh, no dash, no dpkg and no /etc/subuid, as Fedora has it': `${WITH_WGET}
    ln -sf bash /usr/bin/sh
    rm -f /usr/bin/dash /etc/subuid /etc/subgid /etc/debian_version /usr/bin/dpkg* /usr/bin/apt*
    busybox rm /usr/lib64/*
    busybox cp -a /usr/lib/*-linux-gnu/. /usr/lib64/
    echo /usr/lib64 >/etc/ld.so.conf
    ldconfig
    rm -rf /usr/lib/*-linux-gnu
    ldconfig`,
  'bash, and no tools but those of busybox': `for tool in $(busybox --list | busybox grep -vx -e busybox -e setpriv); do busybox ln -sf busybox /usr/local/bin/$tool; done
    /usr/bin/find /usr/bin /usr/sbin -type f ! -name bash ! -name setpriv ! -name 'ld*' -delete
    ln -sf /usr/local/bin/busybox /usr/bin/sh`,
}

type Result = { status: number; output: string }
const dir = absence === undefined ? mkdtempSync('/var/tmp/nsbox-machines-') : ''
test.after(() => {
  if (dir !== '') rmSync(dir, { recursive: true, force: true })
})
if (dir !== '') {
  mkdirSync(join(dir, 'scratch'))
  quickRelease(dir)
}

function onFresh(change: string, command: string, user: 'root' | 'user'): Promise<Result> {
  const env = {
    PATH: process.env.PATH,
    DIR: dir,
    DEBIAN,
    BUSYBOX: '/bin/busybox',
    CHANGE: change,
    HOME: user === 'root' ? '/root' : '/home/user',
    AS: user,
    COMMAND: command,
  }
  return new Promise((done) => {
    const child = spawn('unshare', ['--mount', '--propagation', 'private', '--', 'sh', '-euc', ENTER], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += String(data)))
    child.on('close', (status) => done({ status: status ?? -1, output }))
  })
}

/** The commands of README, which begin with a box. */
const firstBox = shellBlocks('README.md').find((code) => code.startsWith('nsbox --tmpfs /tmp')) ?? ''
// What explain and the report of rootfs build say is long, and other tests look at it.
const boxes = firstBox.replace(/^nsbox doctor$/m, '').replace(/^(nsbox (?:explain|rootfs) .*)$/gm, '$1 >explained 2>&1')

/** All the commands have done what README says they do. */
function didAll({ status, output }: Result): void {
  assert.is(status, 0, output)
  assert.match(output, /^\.\n\.\.\nmine$/m, output)
  assert.match(output, /^box$/m)
  assert.match(output, /^the host is safe$/m)
  assert.match(output, /^bin\n(etc\n)?(lib\n)?(lib64\n)?tmp\nusr$/m, output)
  assert.match(output, /^[-rw.]+ +1 \S+ +\S+ .* x$/m, output)
}

async function serving(use: (address: string) => Promise<void>): Promise<void> {
  const server = createServer((request, response) => {
    const path = join(dir, 'release', request.url ?? '')
    response.statusCode = existsSync(path) ? 200 : 404
    response.end(existsSync(path) ? readFileSync(path) : '')
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  try {
    const address = server.address()
    assert.ok(address !== null && typeof address === 'object')
    await use(`http://127.0.0.1:${address.port}`)
  } finally {
    server.close()
  }
}

const AS_USER = 'HOME=/home/user /usr/bin/setpriv --reuid=1000 --regid=1000 --clear-groups sh -euc'
/** As root, and then as an ordinary user. */
const asBoth = `${boxes}
echo '# as a user'
cd /home/user
${AS_USER} '${boxes.replaceAll("'", `'\\''`)}'
cd`

function bothDidAll({ status, output }: Result): void {
  const parts = output.split('# as a user\n')
  assert.is(parts.length, 2, output)
  for (const part of parts) didAll({ status, output: part })
}

for (const [name, change] of Object.entries(MACHINES))
  onMachine(`root installs by install.sh, and README's first boxes run, as root and as a user: ${name}`, () =>
    serving(async (address) => {
      const command = `wget -q ${address}/install.sh && sh install.sh ${address}\n${asBoth}`
      bothDidAll(await onFresh(change, command, 'root'))
    }),
  )

onMachine("a user installs by install.sh, and README's first boxes run", () =>
  serving(async (address) => {
    const command = `wget -q ${address}/install.sh && sh install.sh ${address}\nexport PATH="$HOME/.local/bin:$PATH"\n${boxes}`
    didAll(await onFresh(WITH_WGET, command, 'user'))
  }),
)

/** Everything on the machine but what dpkg notes, and what the commands of README make. */
const LIST = `list() { find / -xdev ! -path '/var/lib/dpkg/*' ! -path '/var/log/*' ! -path '*/r/*' ! -path '*/r' ! -name explained ! -path '/home/user/.cache*' | sort; }`

onMachine("README's first boxes run from the Debian package; when it is purged, nothing is left", async () => {
  const env = { ...process.env, SOURCE_DATE_EPOCH: '1', MAINTAINER: 'nobody <nobody@localhost>', XZ_LEVEL: '0' }
  const made = execute(
    'sh',
    ['scripts/release/deb.sh', VERSION, process.arch, join(dir, RELEASE_NAME), join(dir, 'release')],
    { cwd: TOP, env, timeout: 120_000 },
  )
  assert.is(made.status, 0, made.stderr)
  // AppArmor's profile is put in place where AppArmor is new enough to read it, as on Ubuntu.
  const command = `mkdir -p /etc/apparmor.d/abi; touch /etc/apparmor.d/abi/4.0
${LIST}; list >/tmp/before; dpkg -i /release/*.deb; test -s /etc/apparmor.d/nsbox; ${asBoth}\ndpkg --purge nsbox; list >/tmp/after; diff /tmp/before /tmp/after && echo 'nothing is left'`
  const result = await onFresh('', command, 'root')
  bothDidAll(result)
  assert.match(result.output, /^nothing is left$/m, result.output)
})

test.run()
