/** The cost of a start, in countable things: bytes, modules, threads, calls. */
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot, execute, inTemp, NSBOX, nsbox, SIDECAR } from '../helpers/nsbox.ts'
import { tarOf } from '../helpers/tar.ts'

/** An export of each part of the program that is loaded late, src/lazy.ts. */
const LATE = {
  denied: 'deniedOf',
  late: 'statusOf',
  explainPage: 'boxPage',
  fakeRoot: 'FAKE_ROOT_FILTERS',
  filters: 'compiledDefault',
  box: 'cachedImageBox',
  noted: 'notedBox',
  images: 'COMMANDS',
  hints: 'hintsOf',
  network: 'boxNetwork',
  planner: 'aptMounts',
  profiles: 'addProfiles',
  review: 'startReview',
  rootfs: 'rootfsCommand',
} as const
type Part = 'start' | keyof typeof LATE

/** The JavaScript at the end of the compiled program: the start, and the parts that it loads later. */
function parts(): Record<Part, string> {
  const program = readFileSync(NSBOX)
  const end = program.subarray(-8 << 20).toString('latin1')
  const all = [...end.matchAll(/\(function\(exports, require, module, __filename, __dirname\) \{[^\0]*/g)].map(
    ([text]) => text,
  )
  assert.is(all.length, 1 + Object.keys(LATE).length)
  const late = Object.entries(LATE).map(([part, name]): [string, string] => {
    const found = all.filter((text) => text.includes(`${name}:()=>`))
    assert.is(found.length, 1, name)
    return [part, found[0] as string]
  })
  const start = all.filter((text) => late.every(([, other]) => other !== text))
  assert.is(start.length, 1)
  return Object.fromEntries([['start', start[0]], ...late]) as Record<Part, string>
}

test('the front end is no more than 415 KB, of which a start reads 72 KB', () => {
  const all = parts()
  const size = (...names: Part[]): number => names.reduce((sum, name) => sum + all[name].length, 0)
  // The parts about images and roots are large, and no other start loads them.
  const rows: [number, number][] = [
    [size('start'), 72_500],
    [size('start', 'late', 'fakeRoot', 'filters', 'planner'), 415_000],
    [size('box'), 45_000],
    [size('noted'), 30_000],
    [size('images'), 170_000],
    [size('explainPage'), 78_000],
    [size('rootfs'), 110_000],
  ]
  for (const [found, most] of rows) assert.ok(found <= most, JSON.stringify(rows))
})

/**
 * Built-in functions whose first call takes as long as that of ten functions of ours, which come as bytecode. Most are
 * JavaScript in the runtime, which then parses the source; string functions bring in regular expressions.
 */
const READ_AT_FIRST_CALL: readonly (readonly [object, string, readonly string[]])[] = [
  [
    Array.prototype,
    'Array',
    [
      'map',
      'filter',
      'some',
      'every',
      'find',
      'findIndex',
      'findLast',
      'findLastIndex',
      'flatMap',
      'flat',
      'forEach',
      'reduce',
      'reduceRight',
      'at',
      'toReversed',
      'sort',
      'toSorted',
    ],
  ],
  [String.prototype, 'String', ['search', 'match', 'matchAll', 'replace', 'replaceAll', 'at']],
  [Array, 'Array', ['from']],
  [Object, 'Object', ['fromEntries', 'groupBy']],
]

/** A regular expression is compiled at its first use, which takes as long. All that uses one calls a changed `exec`. */
const COMPILED_AT_FIRST_USE: typeof READ_AT_FIRST_CALL = [[RegExp.prototype, 'RegExp', ['exec']]]

/** Runs something, and returns the names of those of the functions that it called. */
function calledBy(run: () => void, functions: typeof READ_AT_FIRST_CALL): string[] {
  const called = new Set<string>()
  const kept = functions.flatMap(([owner, of, names]) =>
    names.map((name) => ({
      owner,
      of,
      name,
      before: Object.getOwnPropertyDescriptor(owner, name) as PropertyDescriptor,
    })),
  )
  for (const { owner, of, name, before } of kept) {
    Object.defineProperty(owner, name, {
      ...before,
      value(this: unknown, ...args: unknown[]) {
        called.add(`${of}.${name}`)
        return Reflect.apply(before.value as () => unknown, this, args)
      },
    })
  }
  try {
    run()
  } finally {
    for (const { owner, name, before } of kept) Object.defineProperty(owner, name, before)
  }
  return [...called]
}

/**
 * Runs the start with these arguments until it would execute another program. Returns the loaded modules, and the
 * plan.
 */
function started(
  words: readonly string[],
  watched = READ_AT_FIRST_CALL,
): { loaded: string[]; called: string[]; plan: unknown } {
  const loaded: string[] = []
  let handed: [string, string[]] | undefined
  const seen = {
    argv: ['nsbox', '/main', ...words],
    arch: process.arch,
    env: process.env,
    getuid: () => process.getuid?.() ?? 0,
    getgid: () => process.getgid?.() ?? 0,
    cwd: () => '/',
    execve: (path: string, argv: string[]) => {
      // The question whether facts hold.
      if (path === '?') throw Object.assign(new Error(), { code: 'EDOM' })
      handed ??= [path, argv]
    },
  }
  const load = (name: string) => {
    // Modules that are loaded after the failed execve are for its error.
    if (handed === undefined) loaded.push(name)
    if (name === './late-image-start.ts') return evaluated('noted')
    if (name === './late-fake-root.ts') return evaluated('fakeRoot')
    return new Proxy({}, { get: () => () => 0 })
  }
  const all = parts()
  const evaluated = (part: Part): object => {
    const module = { exports: {} }
    new Function('process', `return ${all[part]}`)(seen)(module.exports, load, module, '', '')
    return module.exports
  }
  const called = calledBy(() => evaluated('start'), watched)
  assert.is(handed?.[0], 'nsbox', `not started: ${loaded}`)
  return { loaded, called, plan: JSON.parse(handed?.[1][0] ?? '') }
}

test('a box that starts loads no module', () => {
  const { loaded, plan } = started(['--tmpfs', '/tmp', 'true'])
  assert.equal(loaded, [])
  assert.equal((plan as { process: { argv: string[] } }).process.argv, ['true'])
  const many = [
    '--root',
    '/',
    '--ro',
    '--bind',
    '/etc:/mnt',
    '--net',
    'none',
    '--hostname',
    'x',
    '--env',
    'A=1',
    '--map-root',
    '--cwd',
    '/tmp',
    '--ulimit',
    'core=0',
    '--timeout',
    '1s',
  ]
  assert.equal(started([...many, 'sh', '-c', 'true']).loaded, [])
})

test('a box that starts has the runtime read no source and compile no regular expression', () => {
  const plain = [
    '--root',
    '/',
    '--tmpfs',
    '/tmp',
    '--ro-bind',
    '/usr:/mnt',
    '--bind',
    '/var/tmp',
    '--proc',
    '--dev',
    '--net',
    'none',
    '--share',
    'ipc',
    '--env',
    'A=1',
    '--cwd',
    '/',
  ]
  assert.equal(started([...plain, 'true'], COMPILED_AT_FIRST_USE).called, [])
  assert.equal(started([...plain, '--user', '7:8', 'true']).called, [])
  // Check that a call would be seen.
  assert.equal(
    calledBy(() => [1].map((one) => one), READ_AT_FIRST_CALL),
    ['Array.map'],
  )
  assert.equal(
    calledBy(() => /a/.test('a'), COMPILED_AT_FIRST_USE),
    ['RegExp.exec'],
  )
})

test('other starts load the modules that they need', () => {
  const loads = (...words: string[]) => {
    try {
      return started(words).loaded.join()
    } catch (error) {
      return String(error)
    }
  }
  assert.match(loads('plan', 'true'), 'not started: ./late.ts')
  assert.match(loads('--no-such', 'true'), 'not started: ./late.ts,./late.ts')
  assert.equal(loads('--seccomp', 'none', 'true'), './late.ts')
  assert.equal(loads('--cap-add', 'sys_ptrace', 'true'), './late-filters.ts')
})

test(
  'an image of the cache that was started before loads one part, two with one id, and nothing of the runtime',
  inTemp((dir) => {
    const archive = join(dir, 'app.tar')
    writeFileSync(archive, tarOf([{ name: 'etc/passwd', content: 'root:x:0:0::/root:/bin/sh\n' }]))
    process.env.NSBOX_CACHE = join(dir, 'cache')
    try {
      assert.is(nsbox(['image', 'pull', archive]).status, 0)
      const { loaded, plan } = started(['--image', archive, 'true'])
      assert.equal(loaded, ['./late-image-start.ts', ...(asRoot ? [] : ['./late-fake-root.ts'])])
      assert.ok((plan as { process: { env: { set: string[] } } }).process.env.set.includes('HOME=/root'))
    } finally {
      delete process.env.NSBOX_CACHE
    }
  }),
)

test(
  'the front end starts no thread and no process, and opens no file of its own',
  inTemp((dir) => {
    const log = join(dir, 'log')
    const { status, stderr } = execute('strace', ['-f', '-o', log, NSBOX, '--tmpfs', '/tmp', 'true'])
    assert.is(status, 0, stderr)
    const lines = readFileSync(log, 'utf8').split('\n')
    const over = lines.findIndex((line) => line.includes('execveat('))
    const before = lines.slice(0, over).map((line) => line.replace(/^\d+ +/, ''))
    // The native code finds the stack, so /proc/self/maps isn't read.
    assert.equal(
      before.filter((line) => line.includes('/proc/self/maps')),
      [],
    )
    assert.equal(
      before.filter((line) => /^(clone3?|v?fork)\(/.test(line)),
      [],
    )
    const first = before.findIndex((line) => line.includes('"/proc/.'))
    assert.ok(first > 0, 'the first look of the front end')
    assert.equal(
      before.slice(first).filter((line) => line.startsWith('open')),
      [],
    )
    assert.ok(before.length - first < 40, before.slice(first).join('\n'))
  }),
)

test(
  'a box gets the sidecar and its plan, and programs of nsbox only where its plan calls them',
  inTemp((dir) => {
    const sizes = ['nsbox-sidecar', 'nsbox-hide', 'nsbox-net'].map(
      (name) => statSync(join(dirname(SIDECAR), name)).size,
    )
    const written = (...words: string[]): number[] => {
      const log = join(dir, 'log')
      execute('strace', ['-o', log, '-e', 'write,execveat', NSBOX, ...words, 'true'])
      const [before = ''] = readFileSync(log, 'utf8').split('execveat(')
      return [...before.matchAll(/write\(\d+, .* = (\d+)$/gm)].map(([, size]) => Number(size))
    }
    const [sidecar, hide, net] = sizes
    const plain = written('--ro')
    assert.equal([plain[0], plain.length, plain[2]], [sidecar, 3, 16])
    for (const words of [
      ['--hide', '/none/*'],
      ['--publish', '8080:80'],
    ])
      assert.equal(written(...words).slice(0, 5), [sidecar, hide, 24, net, 24])
  }),
)

test("the runtime's settings for a quick start are neither in the environment of the command nor in a plan", () => {
  assert.not.match(nsbox(['env']).stdout, 'JIT')
  assert.not.match(nsbox(['plan', '--clear-env', '--env', 'BUN_JSC_useJIT', 'true']).stdout, 'JIT')
})

test(
  "the caller's variables for Bun change nothing in nsbox, and reach the command",
  inTemp((dir) => {
    writeFileSync(join(dir, 'first.js'), 'console.log("loaded from the directory of the caller")')
    const set = {
      BUN_BE_BUN: '1',
      BUN_OPTIONS: '--preload ./first.js',
      BUN_JSC_useJIT: 'neither',
      BUN_JSC_dumpOptions: '2',
    }
    const env = { PATH: process.env.PATH, ...set }
    const expected = Object.entries(set)
      .map(([name, value]) => `${name}=${value}`)
      .sort()
    const given = (...args: string[]) => {
      const { stdout, stderr } = execute(NSBOX, args, { cwd: dir, env })
      assert.is(stderr, '')
      return stdout
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('PATH='))
        .sort()
    }
    assert.equal(given('env'), expected)
    assert.equal(given('--clear-env', ...Object.keys(set).flatMap((name) => ['--env', name]), 'env'), expected)
    assert.equal(given('--clear-env', 'env'), [])
  }),
)

test('too low a limit on the size of files is an error message', () => {
  const { stdout, stderr } = execute('bash', ['-c', 'ulimit -f 8; "$0" true; echo $?', NSBOX])
  assert.is(stdout, '125\n')
  assert.match(
    stderr,
    /^nsbox: hand over: execute the sidecar: [^\n]*: File too large \(EFBIG\)\nhint: the limit on the size of files \(ulimit -f\) is too low/,
  )
})

test('a limit that would kill the runtime is raised or reported, and the command gets it unchanged', () => {
  const rows = [
    ['s', 64, 'stack'],
    ['s', 180, 'stack'],
    ['d', 20000, 'data'],
    ['d', 200000, 'data'],
    ['v', 300000, 'address space'],
  ] as const
  for (const [letter, kilobytes, name] of rows) {
    for (const [words, out] of [
      ['--version', /^nsbox \d/],
      [`bash -c "ulimit -S -${letter}"`, new RegExp(`^${kilobytes}\n$`)],
    ] as const) {
      const soft = execute('bash', ['-c', `ulimit -S -${letter} ${kilobytes} && exec "$0" ${words}`, NSBOX], {
        cwd: '/',
      })
      assert.is(soft.status, 0, `${letter} ${kilobytes}: ${soft.stderr}`)
      assert.match(soft.stdout, out)
      const hard = execute('bash', ['-c', `ulimit -${letter} ${kilobytes} && exec "$0" ${words}`, NSBOX], { cwd: '/' })
      // With cap_sys_resource the hard limit may be raised too.
      if (hard.status === 0) assert.match(hard.stdout, out)
      else
        assert.equal(
          [
            hard.status,
            hard.stderr.startsWith(
              `nsbox: start: the limit on ${name === 'stack' ? 'the stack' : name} is too small for nsbox itself\nhint: raise it (ulimit -${letter})`,
            ),
          ],
          [125, true],
          hard.stderr,
        )
    }
  }
})

test.run()
