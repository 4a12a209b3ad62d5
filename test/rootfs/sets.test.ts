// seconds: 300
/** The sets of `--with`: programs do in a root what they do on the host, both with an empty environment. */
import { existsSync, lstatSync, mkdirSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { EXTRAS } from '../../src/rootfs/choices.ts'
import { build, inRoot, inTemp, onHost, refusal, runsRoots } from './helpers.ts'

/** Jobs of a program: `data` is a file of any content that each can read. */
type Case = {
  program: string
  needs?: string
  /** Values of --with; none for what reading alone finds. */
  sets?: string
  /** Further programs, and data, of the command line. */
  more?: string[]
  jobs: (data: string) => string[][]
}

const CASES: readonly Case[] = [
  {
    program: '/usr/bin/iconv',
    sets: 'gconv',
    jobs: (data) =>
      ['ISO-8859-15', 'KOI8-R', 'CP1252', 'SHIFT_JIS', 'EUC-KR', 'GB18030'].map((set) => [
        '-f',
        set,
        '-t',
        'UTF-8',
        data,
      ]),
  },
  {
    program: '/usr/bin/file',
    sets: 'magic',
    jobs: (data) => [
      ['/usr/bin/file', data],
      ['-i', data],
    ],
  },
  {
    program: '/usr/bin/date',
    needs: '/usr/share/zoneinfo/Asia/Tokyo',
    sets: 'tz',
    jobs: () => [
      ['-d', '@0', '+%Z %H'],
      ['-d', 'TZ="Asia/Tokyo" 2020-01-01 12:00', '+%s'],
    ],
  },
  {
    program: '/usr/bin/getent',
    sets: 'nss',
    jobs: () => [
      ['passwd', 'root'],
      ['group', 'daemon'],
      ['services', 'https'],
      ['protocols', 'tcp'],
      ['hosts', 'localhost'],
    ],
  },
  {
    program: '/usr/bin/perl',
    needs: '/usr/share/perl',
    sets: 'perl',
    jobs: () =>
      [
        'use POSIX; print POSIX::floor(2.5)',
        'use List::Util "sum"; use Data::Dumper; use Storable; print sum(1, 2, 3)',
        'use Digest::SHA "sha256_hex"; print sha256_hex("a")',
        'use Socket; use Encode; use Time::HiRes; print encode("iso-8859-1", "\\x{e9}")',
      ].map((code) => ['-e', code]),
  },
  {
    program: '/usr/bin/python3',
    needs: '/usr/lib/python3',
    sets: 'python,tz,ca-certificates',
    jobs: () =>
      [
        'import ssl; print(len(ssl.create_default_context().get_ca_certs()) > 0, ssl.get_default_verify_paths())',
        'import zoneinfo, datetime; print(datetime.datetime(2020, 1, 1, tzinfo=zoneinfo.ZoneInfo("Asia/Tokyo")).utcoffset())',
        'import sys; print(sys.path)',
        'import sqlite3, ctypes, bz2, lzma, curses, readline; print(sqlite3.sqlite_version)',
      ].map((code) => ['-c', code]),
  },
  {
    program: '/usr/bin/openssl',
    sets: 'ca-certificates',
    jobs: () => {
      const hashes = readdirSync('/etc/ssl/certs', { withFileTypes: true }).filter(
        (entry) => entry.isSymbolicLink() && /^[0-9a-f]{8}\.0$/.test(entry.name),
      )
      return [['version', '-d'], ...hashes.slice(0, 1).map(({ name }) => ['verify', `/etc/ssl/certs/${name}`])]
    },
  },
  { program: '/usr/bin/fc-list', sets: 'fonts', jobs: () => [['--format', '%{file}\n'], []] },
  {
    program: '/usr/bin/java',
    needs: '/usr/lib/jvm',
    sets: 'java',
    jobs: () => [['-Xmx64m', '-XX:-UsePerfData', '-version']],
  },
  { program: '/usr/bin/ruby', sets: 'ruby', jobs: () => [['-e', 'require "json"; puts JSON.generate([1])']] },
  { program: '/usr/bin/sqlite3', sets: 'nss', jobs: () => [[':memory:', 'select 6*7, sqlite_version()']] },
  { program: '/usr/bin/node', jobs: () => [['-e', 'console.log(new Intl.DateTimeFormat("de").format(0), 6 * 7)']] },
  { program: '/usr/bin/xz', jobs: (data) => [['-kc', data]] },
  {
    program: '/usr/bin/git',
    needs: '/usr/lib/git-core',
    more: ['sh', '/usr/lib/git-core'],
    jobs: (data) => [['hash-object', data], ['--exec-path'], ['diff', '--no-index', data, data]],
  },
  {
    program: '/usr/bin/gdb',
    needs: '/usr/share/gdb',
    sets: 'python',
    more: ['true', '/usr/share/gdb'],
    jobs: () => [['--batch', '-ex', 'print 6*7', '-ex', 'python print(1)']],
  },
]

for (const { program, needs, sets, more = [], jobs } of CASES) {
  const runs = runsRoots && existsSync(program) && (needs === undefined || existsSync(needs))
  ;(runs ? test : test.skip)(
    [program, ...more, ...(sets === undefined ? [] : ['--with', sets])].join(' '),
    inTemp((dir) => {
      const root = join(dir, 'root')
      const data = join(dir, 'data')
      writeFileSync(data, 'abc \xe4\xe4 ~', 'latin1')
      build(root, program, data, ...more, ...(sets === undefined ? [] : ['--with', sets]))
      // As the option --dev of a box does.
      mkdirSync(join(root, 'dev'), { recursive: true })
      for (const job of jobs(data)) {
        const [here, there] = [onHost(program, ...job), inRoot(root, program, ...job)]
        assert.is(here.status, 0, `on the host: ${job.join(' ')}: ${here.stderr}`)
        assert.equal(sorted(there), sorted(here), job.join(' '))
      }
    }),
  )
}

/** fc-list prints in the order of its hash. */
function sorted({ status, stdout, stderr }: ReturnType<typeof onHost>): unknown {
  return { status, stdout: stdout.split('\n').sort(), stderr }
}

test(
  'certificates: the links that OpenSSL looks up are there, and no private key',
  inTemp((dir) => {
    if (!existsSync('/etc/ssl/certs/ca-certificates.crt')) return
    const root = join(dir, 'root')
    build(root, 'ls', '--with', 'ca-certificates')
    for (const path of ['/usr/lib/ssl/certs', '/usr/lib/ssl/cert.pem', '/usr/lib/ssl/openssl.cnf']) {
      if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink())
        assert.is(readlinkSync(root + path), readlinkSync(path))
    }
    for (const path of ['/etc/ssl/private', '/usr/lib/ssl/private']) assert.not.ok(existsSync(root + path), path)
    assert.not.ok(readdirSync(root, { recursive: true }).some((path) => String(path).endsWith('.key')))
  }),
)

test('--with list names each set and what it brings, and builds nothing', () => {
  const lines = build('--with', 'list')
  assert.equal(
    lines.filter((_, n) => n % 2 === 0).map((line) => line.split(' ')[0]),
    [...EXTRAS],
  )
  for (const line of lines.filter((_, n) => n % 2 === 1))
    assert.match(line, /^ +(here: (nothing|\d+ files, \d+\.\d MB: \/.+)|rootfs: the host has no certificates.*)$/)
  assert.match(
    refusal(() => build('--with', 'nothing')),
    "UsageError: --with: 'nothing' must be one of nss, locale",
  )
})

test(
  'an interpreter without its library has a line, and none with it',
  inTemp((dir) => {
    const program = ['/usr/bin/python3', '/usr/bin/perl'].find((path) => existsSync(path))
    if (program === undefined) return
    const set = program.includes('perl') ? 'perl' : 'python'
    const says = (...args: string[]): number =>
      build(join(dir, 'root'), program, ...args).filter((line) => line.includes('is an interpreter')).length
    assert.equal([says(), says('--with', set)], [1, 0])
  }),
)

test.run()
