import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { explain } from '../../src/explain/explain.ts'
import type { BoxPlan, Mount } from '../../src/plan/types.ts'
import { asRoot, inTemp, nsbox } from '../helpers/nsbox.ts'

const BOX: BoxPlan = {
  contract: 2,
  namespaces: ['user', 'mount', 'pid', 'ipc', 'uts', 'cgroup'],
  idmap: {
    by: 'self',
    uid: [{ inside: 1000, outside: 1000, count: 1 }],
    gid: [{ inside: 1000, outside: 1000, count: 1 }],
  },
  root: { type: 'directory', path: '/', options: ['ro', 'nosuid'] },
  mounts: [
    { type: 'proc', target: '/proc' },
    { type: 'tmpfs', target: '/tmp', size: 64 * 2 ** 20 },
    { type: 'bind', source: '/home/me/work', target: '/src', options: ['nosuid', 'nodev'] },
    { type: 'tmpfs', target: '/src/out' },
  ],
  hostname: 'box',
  process: {
    argv: ['make', '-j2', 'a b'],
    env: { inherit: true, set: ['TOKEN=hunter2'] },
    cwd: '/src',
    noNewPrivs: true,
    limits: [{ resource: 'nofile', soft: 1024, hard: -1 }],
  },
  supervision: { init: true },
}
const USER = { uid: 1000 }
const told = (change: Partial<BoxPlan> = {}): string => explain({ ...BOX, ...change }, USER)
/** The text as one line, so that tests don't depend on line breaks. */
const flat = (text: string): string => text.replace(/\s+/g, ' ')
const tree = (text: string): string[] =>
  text
    .split('What the box sees\n\n')[1]!
    .split('\n\n')[0]!
    .split('\n')
    .map((line) => line.slice(2))
const sharing = (text: string): string => flat(text.split('What the box still shares with the host')[1]!)

test('the steps come in the order in which the sidecar does them, and are numbered without a gap', () => {
  const text = told({ loopback: true, process: { ...BOX.process, uid: 5 } })
  const calls = [
    '[read]',
    'close_range',
    'clone3(',
    'uid_map',
    'MS_REC | MS_PRIVATE',
    'open_tree(/,',
    'fsopen("proc")',
    'fsopen("tmpfs")',
    'open_tree(/home/me/work,',
    'pivot_root',
    'sethostname',
    'SIOCSIFFLAGS',
    'setrlimit',
    'setresuid',
    'PR_CAPBSET_DROP',
    'PR_SET_NO_NEW_PRIVS',
    'execve',
  ]
  const places = calls.map((call) => text.indexOf(call))
  calls.forEach((call, i) => assert.ok(places[i]! > (places[i - 1] ?? 0), `${call} is missing or too early`))
  const numbers = [...text.matchAll(/^ ?(\d+)\. /gm)].map((match) => Number(match[1]))
  assert.equal(
    numbers,
    numbers.map((_, i) => i + 1),
  )
})

test('each new namespace is named with what it separates, and no other is', () => {
  const text = told({ namespaces: ['mount', 'net'] })
  assert.match(text, 'clone3(CLONE_NEWNS | CLONE_NEWNET)')
  assert.match(text, '- mount: the table of mounts')
  assert.match(text, '- net: network interfaces')
  assert.not.match(text, '- pid: ')
})

test('the id maps say which id is yours, and who writes them', () => {
  assert.match(told(), '- user 1000 in the box is 1000 on the host (you)')
  const ranges = told({
    idmap: {
      by: 'helper',
      uid: [{ inside: 1, outside: 100000, count: 65536 }],
      gid: [{ inside: 0, outside: 1000, count: 1 }],
      setgroups: true,
    },
  })
  assert.match(ranges, 'user 1 to 65536 in the box are 100000 to 165535 on the host')
  assert.match(ranges, 'newuidmap')
})

test('a reader learns why mounts become private', () => {
  assert.match(flat(told()), 'systemd makes / shared: each mount in the box would show up on the host')
})

test('the text names what Landlock closes, and from which kernel on', () => {
  const text = flat(told({ process: { ...BOX.process, landlock: ['abstract', 'signals'] } }))
  for (const word of [
    'landlock_restrict_self',
    'Linux 6.12',
    'abstract Unix sockets',
    "The box can't signal processes outside",
  ])
    assert.match(text, word)
  assert.not.match(told(), 'landlock')
})

test('the tree marks whose files each place shows', () => {
  assert.equal(
    tree(told()),
    [
      '/         host, read-only',
      "├─ proc   box  (proc, of the box's processes)",
      '├─ src    host  (/home/me/work)',
      '│  └─ out box  (tmpfs)',
      '└─ tmp    box  (tmpfs)',
    ].map((line) => line.replace(/^(.{9})/, '$1 ')),
  )
})

test('a mount that is covered by a later one is not in the tree', () => {
  const lines = tree(
    told({
      mounts: [
        { type: 'tmpfs', target: '/a/b' },
        { type: 'bind', source: '/x', target: '/a/', options: ['ro'] },
      ],
    }),
  )
  assert.equal(lines.length, 2)
  assert.match(lines[1]!, /^└─ a +host, read-only {2}\(\/x\)$/)
})

test("a directory made on the host's files is marked as one that stays, one made in a tmpfs is not", () => {
  const lines = tree(
    told({
      root: { type: 'directory', path: '/r' },
      mounts: [
        { type: 'dir', target: '/d' },
        { type: 'tmpfs', target: '/t' },
        { type: 'dir', target: '/t/d' },
      ],
    }),
  )
  assert.match(lines[0]!, /host {2}\(\/r\)/)
  assert.match(lines[1]!, /├─ d +host .*stays/)
  assert.match(lines[3]!, /└─ d +box {2}\(directory\)/)
})

test('an overlay says where the changes go', () => {
  assert.match(
    tree(told({ root: { type: 'layers', lowers: ['/'] }, mounts: [] }))[0]!,
    'box  (overlay over /, changes vanish)',
  )
  assert.match(
    tree(told({ root: { type: 'layers', lowers: ['/'], state: '/s' }, mounts: [] }))[0]!,
    'changes kept in /s',
  )
  const text = flat(told({ root: { type: 'layers', lowers: ['/a', '/b'], scratch: '/cache/x' }, mounts: [] }))
  assert.match(text, 'go to a directory that is made below /cache/x, on the disk, and removed when the box has ended')
})

test("a box with the host's network says so, abstract sockets included", () => {
  assert.match(sharing(told()), 'abstract Unix sockets')
  assert.not.match(sharing(told({ namespaces: ['mount', 'net'] })), 'abstract Unix sockets')
})

test('the text names what is shared by option: processes, ids, host name', () => {
  const text = sharing(explain({ ...BOX, namespaces: ['mount'] }, { uid: 0 }))
  for (const part of [
    'can signal those of anybody',
    'root in the box is root on the host',
    'System V shared memory',
    'The host name',
  ])
    assert.match(text, part)
  assert.not.match(sharing(told()), 'Processes:')
})

test('the text names limits of the whole box, and where its cgroup namespace comes from', () => {
  const text = told({ namespaces: ['mount', 'cgroup'], cgroup: { memory: 2 ** 29, cpuQuota: 150000, pids: 101 } })
  for (const part of [
    'Make a control group',
    'memory: 512 MiB',
    'processors: 1.5 ',
    'processes and threads: 101',
    'clone3(CLONE_NEWNS | CLONE_INTO_CGROUP), unshare(CLONE_NEWCGROUP)',
  ])
    assert.match(text, part)
  assert.match(sharing(text), 'Without a limit: time (--timeout).')
  assert.match(
    sharing(told()),
    /Without a limit: time \(--timeout\), memory \(--memory\), processors\s+\(--cpus\), processes \(--pids\)\./,
  )
})

test('values of environment variables are not printed', () => {
  assert.match(told(), 'Set: TOKEN')
  assert.not.match(told(), 'hunter2')
})

test('no line is wider than 80 columns, and there is no colour', () => {
  const text = told({
    namespaces: ['user', 'mount', 'pid', 'ipc', 'uts', 'cgroup', 'net'],
    mounts: [...BOX.mounts!, { type: 'dev', target: '/dev' }, { type: 'overlay', target: '/o', lower: '/usr' }],
  })
  for (const line of text.split('\n')) assert.ok(line.length <= 80, line)
  assert.not.match(text, '\x1b')
})

test('a file name cannot forge a line or colour the terminal', () => {
  const text = told({ mounts: [{ type: 'bind', source: '/a\n1. \x1b[31mlie', target: '/b' }] })
  assert.not.match(text, '\x1b')
  assert.match(text, '/a\\x0a1. \\x1b[31mlie')
})

/** The "see:" lines of a box with this root and these options. */
const seeLines = (args: readonly string[]): string[] => {
  const { status, stdout, stderr } = nsbox(['explain', ...args, 'sh'], { cwd: '/' })
  assert.is(status, 0, stderr)
  return [...stdout.matchAll(/^    see: ([^]*?)$(?!\n {9})/gm)].map(([, text = '']) => flat(text))
}

test('what to try in the box is what the box has', () => {
  assert.ok(seeLines([]).includes('cat /proc/self/uid_map; user_namespaces(7)') || asRoot)
  assert.ok(seeLines([]).includes('grep NoNewPrivs /proc/self/status; prctl(2)'))
})

test(
  'in a root without /proc one looks from outside, and without ls a shell lists names by itself',
  inTemp((dir) => {
    const root = join(dir, 'r')
    mkdirSync(join(root, 'bin'), { recursive: true })
    mkdirSync(join(root, 'dev'))
    copyFileSync('/bin/busybox', join(root, 'bin/sh'))
    const without = seeLines(['--root', root])
    assert.ok(without.includes('outside, grep NoNewPrivs /proc/PID/status; prctl(2)'), without.join('\n'))
    for (const line of without) assert.not.match(line, /^(?!outside, ).*\/proc/)
    assert.ok(without.includes('echo /dev/*; null(4)'))
    mkdirSync(join(root, 'proc'))
    const withProc = seeLines(['--root', root])
    assert.ok(withProc.includes('echo /proc/[0-9]*; pid_namespaces(7)'), withProc.join('\n'))
    assert.ok(withProc.includes('outside, grep NoNewPrivs /proc/PID/status; prctl(2)'))
    copyFileSync('/bin/busybox', join(root, 'bin/grep'))
    assert.ok(seeLines(['--root', root]).includes('grep NoNewPrivs /proc/self/status; prctl(2)'))
    rmSync(join(root, 'bin/sh'))
    assert.ok(seeLines(['--root', root]).includes('outside, grep NoNewPrivs /proc/PID/status; prctl(2)'))
  }),
)

/** A place to write, with COUNT kept directories in it, each pinned, and as many hidden files. */
const rules = (count: number): Partial<BoxPlan> => {
  const numbers = Array.from({ length: count }, (_, i) => i + 1)
  return {
    mounts: [
      { type: 'bind', source: '/w', target: '/w', options: ['nosuid', 'nodev'] },
      ...numbers.flatMap((n): Mount[] => [
        { type: 'protect', target: `/w/k${n}/x`, optional: true },
        { type: 'pin', target: `/w/k${n}`, from: '/w' },
      ]),
      ...numbers.map((n): Mount => ({ type: 'mask', target: `/w/h${n}`, closed: true, optional: true })),
      { type: 'tmpfs', target: '/last' },
    ],
  }
}
const titlesOf = (text: string): string[] =>
  [...flat(text).matchAll(/(?<= )\d+\. (.*?)(?= \d+\. | \[|$)/g)].map(([, title = '']) => title)

test('rules of one kind are told in one step if they are more than a dozen', () => {
  const text = explain({ ...BOX, ...rules(13) }, USER, { brief: true }).split('What the box sees')[0] ?? ''
  const titles = titlesOf(text)
  const at = titles.indexOf("Mount the host's /w at the same place")
  assert.equal(titles.slice(at + 1, at + 5), [
    'Make 13 places read-only: /w/k1/x /w/k2/x /w/k3/x, and 10 more',
    'Pin 13 directories: /w/k1 /w/k2 /w/k3, and 10 more',
    'Hide 13 places: /w/h1 /w/h2 /w/h3, and 10 more',
    'Mount a tmpfs at /last',
  ])
  const whole = told(rules(13))
  for (const path of ['/w/k13/x', '/w/h13']) assert.ok(flat(whole).includes(path.split('/').at(-1) ?? ''), path)
  assert.equal(
    titlesOf(explain({ ...BOX, ...rules(12) }, USER, { brief: true })).filter((title) =>
      /^(?:Hide|Pin the path to|Make) \/w/.test(title),
    ).length,
    36,
  )
})

test('what is kept and missing, and files that a rename would free, are one point each if they are many', () => {
  const missing = { code: 'ENOENT', text: 'No such file or directory' } as const
  const points = (count: number): string =>
    flat(
      explain(
        { ...BOX, ...rules(count) },
        {
          ...USER,
          look: (path) => (path.startsWith('/w/h') ? 'other' : path.endsWith('/x') ? missing : 'directory'),
        },
      ).split('What the box sees')[0] ?? '',
    )
  const many = points(4)
  assert.match(many, "/w/k1/x /w/k2/x /w/k3/x /w/k4/x are missing now, so they can't be kept")
  assert.match(many, 'The mounts on the files /w/h1 /w/h2 /w/h3 /w/h4 vanish, each when')
  const few = points(2)
  assert.is(few.split("is missing now, so it can't be kept").length, 3)
  assert.is(few.split('vanishes when somebody outside').length, 3)
})

test.run()
