/** A box that may connect to a host by its name: real programs, none of which knows of it. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot } from '../helpers/nsbox.ts'
import { nsboxAmong } from '../helpers/named-hosts.ts'
import { has, serveFiles } from '../helpers/served-files.ts'

/** Debian with clients that few machines have, and with libnss-resolve in its nsswitch.conf. */
const DEBIAN = resolve(import.meta.dir, '../../dist/programs-root')
const HERE = 'registry.test'

/** `at`: the address of the server of plain HTTP. */
type Ports = { at: string; tls: string; ssh: string }
type Client = {
  name: string
  /** The program; NAME if it isn't given. */
  needs?: string
  /** Whether the box has the Debian root instead of the machine's. */
  debian?: boolean
  argv: (ports: Ports) => string[]
  says: RegExp
}

/** ssh refuses a user that its passwd doesn't have. */
const ROOT = asRoot ? [] : ['--map-root']

const sh = (script: string): string[] => ['sh', '-c', script]
/** A source file, which the `java` of a JDK compiles first. */
const JAVA =
  'public class Get { public static void main(String[] a) throws Exception { System.out.print(new String(new java.net.URL(a[0]).openStream().readAllBytes())); } }'
const java = (...flags: string[]): Client['argv'] => {
  return ({ at }) => sh(`echo '${JAVA}' >/run/Get.java; java ${flags.join(' ')} /run/Get.java http://${at}/page`)
}
const GO =
  'package main; import ("io"; "net/http"; "os"); func main() { r, e := http.Get(os.Args[1]); if e != nil { panic(e) }; io.Copy(os.Stdout, r.Body) }'
const CARGO =
  '[package]\\nname = "a"\\nversion = "0.1.0"\\n[dependencies]\\nleft = { version = "1", registry = "test" }\\n'
const APT = '-o Dir::Etc::SourceList=/tmp/list -o Dir::Etc::SourceParts=- -o Dir::State=/tmp/s -o Dir::Cache=/tmp/c'

const CLIENTS: readonly Client[] = [
  { name: 'curl', argv: ({ at }) => ['curl', '-sS', `http://${at}/page`], says: /^hello$/m },
  { name: 'curl, TLS', needs: 'curl', argv: ({ tls }) => ['curl', '-ksS', `https://${tls}/page`], says: /^hello$/m },
  { name: 'wget', argv: ({ at }) => ['wget', '-qO-', `http://${at}/page`], says: /^hello$/m },
  { name: 'busybox', argv: ({ at }) => ['busybox', 'wget', '-qO-', `http://${at}/page`], says: /^hello$/m },
  {
    name: 'a static program of glibc',
    needs: 'busybox',
    debian: true,
    argv: ({ at }) => ['busybox', 'wget', '-qO-', `http://${at}/page`],
    says: /^hello$/m,
  },
  { name: 'git', argv: ({ at }) => ['git', 'ls-remote', `http://${at}/repo.git`], says: /\tHEAD$/m },
  {
    name: 'git, TLS',
    needs: 'git',
    argv: ({ tls }) => ['git', '-c', 'http.sslVerify=false', 'ls-remote', `https://${tls}/repo.git`],
    says: /\tHEAD$/m,
  },
  {
    name: 'git, ssh',
    needs: 'git',
    debian: true,
    argv: ({ ssh }) => ['git', '-c', 'core.sshCommand=ssh -v', 'ls-remote', `ssh://git@${ssh}/x`],
    says: /remote software version of_the_test/,
  },
  {
    name: 'ssh',
    debian: true,
    argv: ({ ssh }) => ['ssh', '-v', '-p', ssh.replace(/.*:/, ''), HERE],
    says: /remote software version of_the_test/,
  },
  {
    name: 'npm',
    argv: ({ at }) => ['npm', 'view', 'left', 'version', '--registry', `http://${at}/`, '--cache', '/run/npm'],
    says: /^1\.2\.3$/m,
  },
  {
    name: 'pip',
    argv: ({ at }) => [
      ...['pip', 'download', '--no-cache-dir', '--disable-pip-version-check', '-i', `http://${at}/simple/`],
      ...['--trusted-host', HERE, 'none'],
    ],
    // The index is there, and empty.
    says: /from versions: none/,
  },
  {
    // Not among the packages of `make test`, for its size, like Go's compiler.
    name: 'cargo',
    debian: true,
    argv: ({ at }) =>
      sh(
        `mkdir -p /tmp/a/src && cd /tmp/a && : >src/lib.rs && printf '${CARGO}' >Cargo.toml && CARGO_HOME=/tmp/a CARGO_REGISTRIES_TEST_INDEX=sparse+http://${at}/crates/ RUSTC_BOOTSTRAP=1 cargo -Z sparse-registry generate-lockfile && cat Cargo.lock`,
      ),
    says: /name = "left"\nversion = "1\.2\.3"/,
  },
  {
    name: 'apt-get',
    debian: true,
    argv: ({ at }) =>
      sh(
        `echo 'deb [trusted=yes] http://${at}/apt ./' >/tmp/list; mkdir -p /tmp/s/lists/partial /tmp/c/archives/partial; apt-get ${APT} -o APT::Sandbox::User=root update && apt-cache ${APT} policy left`,
      ),
    says: /Candidate: 1\.2\.3/,
  },
  { name: 'java', argv: java(), says: /^hello$/m },
  {
    name: 'java, IPv6 first',
    needs: 'java',
    argv: java('-Djava.net.preferIPv6Addresses=true'),
    says: /^hello$/m,
  },
  {
    name: 'go run, static',
    needs: 'go',
    debian: true,
    argv: ({ at }) =>
      sh(`cd /tmp && printf '%s\\n' '${GO}' >get.go && HOME=/tmp CGO_ENABLED=0 go run get.go http://${at}/page`),
    says: /^hello$/m,
  },
  {
    name: 'Go, its own resolver',
    needs: 'gron',
    debian: true,
    argv: ({ at }) => ['env', 'GODEBUG=netdns=go', 'gron', `http://${at}/left`],
    says: /^json\.name = "left";$/m,
  },
  {
    name: 'Go, the resolver of the C library',
    needs: 'gron',
    debian: true,
    argv: ({ at }) => ['env', 'GODEBUG=netdns=cgo', 'gron', `http://${at}/left`],
    says: /^json\.name = "left";$/m,
  },
  {
    name: 'where libnss-resolve and nscd are installed',
    needs: 'getent',
    debian: true,
    argv: ({ at }) => sh(`wget -qO- http://${at}/page; getent hosts ${HERE}; getent hosts other.test || echo none`),
    says: /^hello\nfd\S+ registry\.test\nnone$/m,
  },
  {
    name: 'node',
    argv: ({ at }) => [
      ...['node', '-e', `fetch('http://${at}/page').then((r) => r.text()).then((t) => process.stdout.write(t))`],
    ],
    says: /^hello$/m,
  },
  {
    name: 'node, its own resolver',
    needs: 'node',
    argv: () => ['node', '-e', `require('dns').resolve4('${HERE}', (e, a) => console.log(e ? e.code : a[0]))`],
    says: /^198\.1[89]\./m,
  },
  {
    name: 'bun',
    needs: process.execPath,
    argv: ({ at }) => [
      ...[process.execPath, '-e', `process.stdout.write(await (await fetch('http://${at}/page')).text())`],
    ],
    says: /^hello$/m,
  },
  {
    name: 'python3',
    argv: ({ at }) => [
      ...['python3', '-c', `import urllib.request as r; print(r.urlopen('http://${at}/page').read().decode())`],
    ],
    says: /^hello$/m,
  },
  {
    name: 'perl',
    argv: ({ at }) => ['perl', '-MHTTP::Tiny', '-e', `print HTTP::Tiny->new->get('http://${at}/page')->{content}`],
    says: /^hello$/m,
  },
  {
    name: 'psql',
    argv: ({ at }) => ['psql', `postgres://${at}/x`, '-c', 'select 1'],
    says: /received invalid response|server closed the connection/,
  },
]

const [key, cert] = ['server.key', 'server.pem'].map((name) => {
  const file = join(DEBIAN, 'tls', name)
  return existsSync(file) ? readFileSync(file, 'latin1') : ''
}) as [string, string]

let dir = ''
let servers: { port: number; close: () => void }[] = []
test.before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'nsbox-clients-'))
  for (const name of ['http', 'https']) mkdirSync(join(dir, name))
  const ssh = createServer((socket) => socket.on('error', () => {}).end('SSH-2.0-of_the_test\r\n'))
  await new Promise<void>((ready) => ssh.listen(0, '127.0.0.1', ready))
  servers = [
    await serveFiles(join(dir, 'http')),
    ...(key === '' ? [] : [await serveFiles(join(dir, 'https'), { key, cert })]),
    { port: (ssh.address() as AddressInfo).port, close: () => ssh.close() },
  ]
})
test.after(() => {
  for (const { close } of servers) close()
  rmSync(dir, { recursive: true, force: true })
})

/** Why the client can't be tried here, or undefined. */
function whyNot({ name, needs = name, debian }: Client): string | undefined {
  if (debian || name.endsWith('TLS')) {
    if (key === '') return readFileSync(`${DEBIAN}.skipped`, 'utf8').trim()
    if (debian) return existsSync(join(DEBIAN, 'usr/bin', needs)) ? undefined : `${DEBIAN} has no ${needs}`
  }
  return has(needs) ? undefined : `${needs} is not installed`
}

for (const client of CLIENTS) {
  const why = whyNot(client)
  if (why !== undefined) {
    console.log(`skipped: ${client.name}: ${why}`)
    test.skip(client.name, () => undefined)
    continue
  }
  test(`${client.name} reaches an allowed name without any variable`, async () => {
    const addresses = servers.map(({ port }) => `${HERE}:${port}`)
    const [at = '', tls = '', ssh = ''] = addresses
    const { status, stdout, stderr } = await nsboxAmong(dir, `127.0.0.1 ${HERE}\n127.0.0.1 other.test\n`, [
      ...addresses.flatMap((address) => ['--allow-host', address]),
      '--allow-private',
      ...['http_proxy', 'https_proxy'].flatMap((name) => ['--unset-env', name]),
      ...(client.debian ? [...ROOT, '--root', DEBIAN, '--tmpfs', '/tmp', '--cwd', '/'] : []),
      '--',
      ...client.argv({ at, tls, ssh }),
    ])
    assert.match(stdout + stderr, client.says, `${client.name}: ${status}: ${stdout}${stderr}`)
  })
}

test.run()
