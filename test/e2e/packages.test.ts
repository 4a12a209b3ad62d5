/**
 * Packages with post-install scripts in a Debian root, over the network: with all ids, with ranges, and with one id and
 * --fake-root. Without the Debian root, or where its mirror can't be reached, all of it is skipped with the reason.
 */
// seconds: 900
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot, execute, inTemp, nsbox, type Ran } from '../helpers/nsbox.ts'

const DEBIAN = resolve(import.meta.dir, '../../dist/debian-root')
/** Their scripts change owners, make users, groups and setgid programs, and start others under another user. */
const PACKAGES = ['openssh-client', 'cron', 'dbus', 'man-db', 'rsyslog']

/** Why the packages can't be had. */
async function reason(): Promise<string | undefined> {
  if (!existsSync(DEBIAN)) return 'make debian-root makes dist/debian-root, as root'
  const sources = readFileSync(join(DEBIAN, 'etc/apt/sources.list'), 'utf8')
  const [, mirror, suite] = /^deb (\S+) (\S+)/m.exec(sources) ?? []
  try {
    const { status } = await fetch(`${mirror}/dists/${suite}/InRelease`, { signal: AbortSignal.timeout(20000) })
    return status === 200 ? undefined : `${mirror} answers ${status}`
  } catch (error) {
    return `${mirror}: ${String(error)}`
  }
}

const missing = await reason()

function packages(title: string, body: () => void | Promise<void>): void {
  if (missing === undefined) test(title, body)
  else {
    console.log(`skipped: ${title}: ${missing}`)
    test.skip(title, body)
  }
}

const PROXIES = ['http_proxy', 'https_proxy', 'no_proxy'].flatMap((name) => ['--env', name])

function install(root: string, options: readonly string[], after: string): Ran {
  const script = `set -e; apt-get update >/dev/null; apt-get install -y --no-install-recommends ${PACKAGES.join(' ')} </dev/null; ${after}`
  const env = ['PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'DEBIAN_FRONTEND=noninteractive', 'LC_ALL=C']
  return nsbox(
    [
      '--root',
      root,
      '--overlay',
      '--host-files',
      ...options,
      '--clear-env',
      ...PROXIES,
      ...env.flatMap((one) => ['--env', one]),
      'sh',
      '-c',
      script,
    ],
    { timeout: 250000, maxBuffer: 1 << 26, cwd: '/' },
  )
}

/** Prints the packages that are installed, and owner and mode of what their scripts have changed. */
const LOOK = `echo; dpkg-query -W -f '\${Package} \${Status}\\n' ${PACKAGES.join(' ')}; stat -c '%U:%G %a' /usr/bin/ssh-agent /var/spool/cron/crontabs /usr/lib/dbus-1.0/dbus-daemon-launch-helper; getent passwd messagebus | cut -d: -f1`

function installed({ status, stdout, stderr }: Ran, owners: readonly string[]): void {
  assert.is(status, 0, stdout.slice(-3000) + stderr)
  const lines = stdout.trim().split('\n')
  assert.equal(lines.slice(-4), [...owners, 'messagebus'])
  for (const name of PACKAGES) assert.ok(lines.includes(`${name} install ok installed`), name)
  assert.not.match(stdout + stderr, /Operation not permitted|Invalid argument|Permission denied/)
}

const REAL = ['root:_ssh 2755', 'root:crontab 1730', 'root:messagebus 4754']
/** The modes are real, and the owners are not. */
const FAKED = ['root:root 2755', 'root:root 1730', 'root:root 4754']

/** A copy of the root that belongs to this user, without what only root may read. */
function ownCopy(dir: string): string {
  const root = join(dir, 'debian')
  mkdirSync(root)
  const copy = 'tar -C "$1" --ignore-failed-read --warning=no-failed-read -cf - . | tar -C "$2" -xf -'
  const { stderr } = execute('sh', ['-c', copy, 'sh', DEBIAN, root], { timeout: 200000 })
  assert.ok(existsSync(join(root, 'usr/bin/apt-get')), stderr)
  const made = nsbox([
    '--root',
    root,
    '--map-root',
    '--fake-root',
    'sh',
    '-c',
    'pwconv && grpconv && mkdir -p /var/cache/apt/archives/partial /var/lib/apt/lists/partial',
  ])
  assert.is(made.status, 0, made.stderr)
  return root
}

if (asRoot) {
  packages('root installs packages, and owners are kept (needs root, the network and dist/debian-root)', () => {
    installed(install(DEBIAN, [], LOOK), REAL)
  })
} else {
  packages(
    'a user installs packages: with one id and --fake-root, with ranges of ids, and not without (needs the network and dist/debian-root)',
    inTemp((dir) => {
      const root = ownCopy(dir)
      installed(install(root, ['--map-root', '--fake-root'], LOOK), FAKED)
      installed(install(root, ['--map-auto'], LOOK), REAL)
      const { status, stdout, stderr } = install(root, ['--map-root'], LOOK)
      assert.is.not(status, 0)
      assert.match(stdout + stderr, /Method http has died unexpectedly|Could not switch group|Invalid argument/)
    }),
  )
}

test.run()
