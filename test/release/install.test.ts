/** scripts/release/install.sh, with a small release of these tests, from a server on loopback and from a directory. */
import { execFile, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join, resolve } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { blocksOf } from '../helpers/documents.ts'
import { asRoot, inTemp } from '../helpers/nsbox.ts'

const INSTALL = resolve(import.meta.dir, '../../scripts/release/install.sh')
const MACHINE = process.arch
const NAME = `nsbox-9.9.9-linux-${MACHINE}`
const FILES = ['nsbox.1', 'completions/nsbox.bash', 'completions/_nsbox', 'completions/nsbox.fish', 'THIRD-PARTY.txt']
const INSTALLED = [
  'bin/nsbox',
  'share/bash-completion/completions/nsbox',
  'share/doc/nsbox/THIRD-PARTY.txt',
  'share/fish/vendor_completions.d/nsbox.fish',
  'share/man/man1/nsbox.1',
  'share/zsh/site-functions/_nsbox',
]

/** A release whose program is a script. */
function releaseIn(dir: string, script = 'echo "nsbox 9.9.9"'): string {
  const [top, out] = [join(dir, 'made'), join(dir, 'release')]
  mkdirSync(join(top, NAME, 'completions'), { recursive: true })
  mkdirSync(out)
  for (const file of FILES) writeFileSync(join(top, NAME, file), file)
  writeFileSync(join(top, NAME, 'nsbox'), `#!/bin/sh\n${script}\n`)
  chmodSync(join(top, NAME, 'nsbox'), 0o755)
  for (const [flag, end] of [
    ['z', 'gz'],
    ['J', 'xz'],
  ] as const) {
    const made = spawnSync('tar', ['-C', top, `-c${flag}f`, join(out, `${NAME}.tar.${end}`), NAME], {
      encoding: 'utf8',
    })
    assert.is(made.status, 0, made.stderr)
  }
  const sums = readdirSync(out).map((name) => {
    const digest = createHash('sha256')
      .update(readFileSync(join(out, name)))
      .digest('hex')
    return `${digest}  ${name}\n`
  })
  writeFileSync(join(out, 'SHA256SUMS'), sums.join(''))
  return out
}

type Result = { status: number; stdout: string; stderr: string }

/** `path`: the directories of programs; by default those of this process. */
const install = (args: readonly string[], env: Record<string, string>): Promise<Result> =>
  new Promise((done) => {
    execFile('sh', [INSTALL, ...args], { env: { PATH: process.env.PATH ?? '', ...env } }, (error, stdout, stderr) =>
      done({ status: error === null ? 0 : Number(error.code), stdout, stderr }),
    )
  })

const filesBelow = (dir: string): string[] =>
  lstatSync(dir, { throwIfNoEntry: false })?.isDirectory() === true
    ? readdirSync(dir, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
        .sort()
    : []

test(
  'the program, its manual and its completions are installed from a server',
  inTemp(async (dir) => {
    const release = releaseIn(dir)
    const server = createServer((request, response) => {
      const path = join(release, request.url ?? '')
      response.statusCode = existsSync(path) ? 200 : 404
      response.end(existsSync(path) ? readFileSync(path) : '')
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    try {
      const address = server.address()
      assert.ok(address !== null && typeof address === 'object')
      const prefix = join(dir, 'prefix')
      const result = await install([`http://127.0.0.1:${address.port}/`], { PREFIX: prefix })
      assert.is(result.status, 0, result.stderr)
      assert.is(result.stdout, '')
      assert.match(result.stderr, `nsbox 9.9.9: ${prefix}/bin/nsbox\nhint: ${prefix}/bin is not in PATH`)
      assert.equal(filesBelow(prefix), INSTALLED)
      const missing = await install([`http://127.0.0.1:${address.port}/nowhere`], { PREFIX: join(dir, 'other') })
      assert.is(missing.status, 1)
      assert.match(missing.stderr, 'no download of http://')
      assert.not(existsSync(join(dir, 'other')))
    } finally {
      server.close()
    }
  }),
)

const asUser = asRoot ? test.skip : test
asUser(
  "without a PREFIX it goes to the user's own directories",
  inTemp(async (dir) => {
    const result = await install([releaseIn(dir)], { HOME: dir })
    assert.is(result.status, 0, result.stderr)
    assert.equal(filesBelow(join(dir, '.local')), INSTALLED)
  }),
)

test(
  'a second installation takes the place of the first, and a directory in PATH gets no hint',
  inTemp(async (dir) => {
    const [release, prefix] = [releaseIn(dir), join(dir, 'prefix')]
    const env = { PREFIX: prefix, PATH: `${process.env.PATH}:${prefix}/bin` }
    for (let i = 0; i < 2; i++) {
      const result = await install([release], env)
      assert.is(result.status, 0, result.stderr)
      assert.not.match(result.stderr, 'hint')
    }
    assert.equal(filesBelow(prefix), INSTALLED)
  }),
)

const FAILURES: Record<string, [spoil: (release: string, prefix: string) => void, what: RegExp]> = {
  'a file that is not what the sums say': [
    (release) => {
      for (const end of ['gz', 'xz']) writeFileSync(join(release, `${NAME}.tar.${end}`), 'other')
    },
    /is not what SHA256SUMS says\nhint: /,
  ],
  'no archive for the machine': [
    (release) => writeFileSync(join(release, 'SHA256SUMS'), ''),
    /does not name one archive nsbox-VERSION-linux-/,
  ],
  'sums without a file': [
    (release) => {
      for (const end of ['gz', 'xz']) rmSync(join(release, `${NAME}.tar.${end}`))
    },
    /no download of /,
  ],
  'a prefix that can not be written': [
    (_, prefix) => writeFileSync(prefix, ''),
    /can not write .*\nhint: PREFIX=DIR installs elsewhere/,
  ],
}
for (const [name, [spoil, what]] of Object.entries(FAILURES))
  test(
    `nothing is installed: ${name}`,
    inTemp(async (dir) => {
      const [release, prefix] = [releaseIn(dir), join(dir, 'prefix')]
      spoil(release, prefix)
      const result = await install([release], { PREFIX: prefix })
      assert.is(result.status, 1, result.stderr)
      assert.match(result.stderr, what)
      assert.equal(filesBelow(prefix), [])
    }),
  )

test(
  'a program that does not start is not installed',
  inTemp(async (dir) => {
    const result = await install([releaseIn(dir, 'echo no loader >&2; exit 127')], { PREFIX: join(dir, 'prefix') })
    assert.is(result.status, 1)
    assert.match(result.stderr, /does not start here: no loader|has musl and the program needs glibc/)
    assert.equal(filesBelow(join(dir, 'prefix')), [])
  }),
)

test(
  'a system with musl is told of the npm package, and a directory without programs of another one',
  inTemp(async (dir) => {
    const path = join(dir, 'path')
    mkdirSync(path)
    writeFileSync(join(path, 'ldd'), '#!/bin/sh\necho "musl libc (x86_64)" >&2\nexit 1\n')
    chmodSync(join(path, 'ldd'), 0o755)
    const release = releaseIn(dir, 'echo "nsbox: Permission denied" >&2; exit 126')
    const env = { PREFIX: join(dir, 'prefix'), PATH: `${path}:${process.env.PATH}` }
    const musl = await install([release], env)
    assert.is(musl.status, 1)
    assert.match(
      musl.stderr,
      `has musl and the program needs glibc\nhint: with Node.js: npm install -g ${release}/nsbox-9.9.9.tgz`,
    )
    rmSync(join(path, 'ldd'))
    writeFileSync(join(path, 'ldd'), '#!/bin/sh\necho "ldd (GNU libc) 2.36"\n')
    chmodSync(join(path, 'ldd'), 0o755)
    const noexec = await install([release], env)
    assert.is(noexec.status, 1)
    assert.match(noexec.stderr, /can not be executed\nhint: TMPDIR=DIR/)
    assert.equal(filesBelow(join(dir, 'prefix')), [])
  }),
)

test(
  "busybox's xz, which knows no filters, is not used",
  inTemp(async (dir) => {
    const path = join(dir, 'path')
    mkdirSync(path)
    writeFileSync(join(path, 'xz'), '#!/bin/sh\necho "xz: corrupted data" >&2\nexit 1\n')
    chmodSync(join(path, 'xz'), 0o755)
    const env = { PREFIX: join(dir, 'prefix'), PATH: `${path}:${process.env.PATH}` }
    const result = await install([releaseIn(dir)], env)
    assert.is(result.status, 0, result.stderr)
    assert.match(result.stderr, `nsbox: ${NAME}.tar.gz\n`)
  }),
)

test(
  'what is installed can be read by all, whatever the umask',
  inTemp(async (dir) => {
    const prefix = join(dir, 'prefix')
    const result = spawnSync('sh', ['-c', 'umask 077; exec sh "$@"', 'sh', INSTALL, releaseIn(dir)], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, PREFIX: prefix },
    })
    assert.is(result.status, 0, result.stderr)
    const { stdout } = spawnSync('find', [prefix, '!', '-perm', '755', '!', '-perm', '644'], { encoding: 'utf8' })
    assert.is(stdout, '')
  }),
)

test(
  'a script that was cut off anywhere installs nothing',
  inTemp((dir) => {
    const [release, prefix] = [releaseIn(dir), join(dir, 'prefix')]
    const text = readFileSync(INSTALL, 'utf8')
    const last = text.indexOf('\nmain "$@"') + 1
    assert.is(text.slice(last), 'main "$@"\n')
    const lengths = Array.from({ length: 40 }, (_, n) => Math.floor((n * last) / 40))
    for (let length = last; length < text.length - 2; length++) lengths.push(length)
    for (const length of lengths) {
      const { error } = spawnSync('sh', ['-s', '--', release], {
        input: text.slice(0, length),
        env: { PATH: process.env.PATH, PREFIX: prefix, HOME: dir },
      })
      assert.is(error, undefined)
      assert.equal(readdirSync(dir).sort(), ['made', 'release'], `cut after ${length} bytes`)
    }
  }),
)

test(
  "README's command fails where the download fails, and works where it doesn't",
  inTemp(async (dir) => {
    if (Bun.which('curl') === null) return console.log("skipped: README's command: curl is not installed")
    const block = blocksOf('README.md').find(({ code }) => code.includes('install.sh'))
    assert.ok(block !== undefined)
    const release = releaseIn(dir)
    writeFileSync(join(release, 'install.sh'), readFileSync(INSTALL))
    const run = (address: string) => {
      const command = block.code.replace(/^RELEASE=.*$/m, `RELEASE=${address}`)
      assert.match(command, `RELEASE=${address}\n`)
      return spawnSync('sh', ['-c', command], {
        encoding: 'utf8',
        cwd: dir,
        env: { PATH: process.env.PATH, PREFIX: join(dir, 'prefix') },
      })
    }
    for (const address of ['http://127.0.0.1:1/nowhere', `file://${dir}/nowhere`]) {
      const failed = run(address)
      assert.is.not(failed.status, 0)
      assert.match(failed.stderr, 'curl: ')
      assert.not(existsSync(join(dir, 'prefix')))
    }
    const done = run(`file://${release}`)
    assert.is(done.status, 0, done.stderr)
    assert.equal(filesBelow(join(dir, 'prefix')), INSTALLED)
  }),
)

test('without an address it says how it is used', async () => {
  for (const args of [[], ['--help'], ['a', 'b']]) {
    const result = await install(args, {})
    assert.is(result.status, 2)
    assert.match(
      result.stderr,
      /^(install\.sh: this copy does not know where its release is\n)?usage: install\.sh \[ADDRESS\]/,
    )
  }
})

test.run()
