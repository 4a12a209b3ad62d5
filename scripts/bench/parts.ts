/** The parts of the benchmark: the comparisons, and the demands that each checks. */
import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { bake, COMMAND, NSBOX, planOf, root, ROOT_OPTIONS, SIDECAR, store, withoutDefaults } from './boxes.ts'
import { enterCommands } from './enter.ts'
import { imageMemory, imageStart, unpacking } from './images.ts'
import { memoryOfEach } from './memory.ts'
import { median, pace, ratio, spread, type Bench, type Command, type Times } from './pace.ts'
import { part, ratioTo, type Context, type Found, type Named } from './part.ts'
import { bundle, BWRAP_NAMESPACES, runtimeSettings } from './peers.ts'
import { bundleSize, emptyBunProgram, installed, libraryTimes, pipeTimes } from './programs.ts'
import { remembered } from './remembered.ts'
import { rules } from './rules.ts'
import { atLeast, atMost, type Part, type Points, type Row, type Target } from './result.ts'

/** Every part is measured by itself, and all of them in one run. */
export const PARTS: readonly { name: string; measure: (context: Context) => Found | Promise<Found> }[] = [
  { name: 'start', measure: start },
  { name: 'host', measure: hostRoot },
  { name: 'slow', measure: slowPeers },
  { name: 'command-line', measure: commandLine },
  { name: 'remembered', measure: remembered },
  { name: 'rules', measure: rules },
  { name: 'mounts', measure: byMounts },
  { name: 'enter', measure: enter },
  { name: 'library', measure: library },
  { name: 'pipe', measure: pipe },
  { name: 'two', measure: twoAtATime },
  { name: 'filter', measure: filter },
  { name: 'memory', measure: memory },
  { name: 'images', measure: unpacking },
  { name: 'image-memory', measure: imageMemory },
  { name: 'image-start', measure: imageStart },
  { name: 'size', measure: sizes },
]

/** The box that other launchers make too, and the same box with nsbox's defaults. */
function boxes(bench: Bench): Named[] {
  const plan = planOf(ROOT_OPTIONS(bench))
  const same = withoutDefaults(plan)
  return [
    {
      name: 'baked box',
      argv: [bake(bench, 'baked', same)],
      does: 'pid, ipc, uts, cgroup and mount namespaces, proc, tmpfs, a process 1, capabilities dropped',
    },
    { name: 'sidecar', argv: [SIDECAR, '--plan', store(bench, 'plan', same)], does: 'the same from a stored plan' },
    {
      name: 'baked box, defaults',
      argv: [bake(bench, 'baked-defaults', plan)],
      does: 'more: a filter of system calls, parts of /proc hidden',
    },
  ]
}

/** A box as the floor makes it: --no-init. */
function withoutInit(bench: Bench): Named {
  const { supervision, ...same } = withoutDefaults(planOf(ROOT_OPTIONS(bench)))
  const { init: _, ...others } = supervision ?? {}
  return {
    name: 'baked box, --no-init',
    argv: [bake(bench, 'baked-no-init', { ...same, supervision: others })],
    does: 'the command is process 1, as in the floor',
  }
}

const floors = (bench: Bench): Named[] => [
  {
    name: 'empty program',
    argv: [bench.program('empty')],
    does: 'a static program that does nothing: the command in each box',
  },
  {
    name: 'floor',
    argv: [bench.program('floor'), root(bench), COMMAND],
    does: 'clone, mounts and exec alone: scripts/bench/floor.c',
  },
  {
    name: 'floor with a process 1',
    argv: [bench.program('floor'), '--init', root(bench), COMMAND],
    does: 'one process more, which waits for the command',
  },
]

function start({ bench, peers }: Context): Found {
  const commands = [...floors(bench), ...boxes(bench), withoutInit(bench), ...peers.filter(({ slow }) => !slow)]
  const times = pace(bench, 300, commands)
  return {
    parts: [part('start of a box', times, commands, 'baked box')],
    targets: [
      atMost('baked box / bubblewrap doing the same', 0.45, ratioTo(times, 'baked box', 'bubblewrap')),
      atMost('baked box / minimal C floor', 1.35, ratioTo(times, 'baked box', 'floor')),
    ],
  }
}

/** A box as most are: on the host's own root, with a /dev. */
function hostRoot({ bench, find }: Context): Found {
  const command = [bench.program('empty')]
  const plan = planOf(['--tmpfs', '/run'], command)
  const { mounts = [] } = plan
  const same = {
    ...withoutDefaults(plan),
    mounts: mounts.filter(({ type }) => !['mask', 'protect', 'cgroup'].includes(type)),
  }
  const bwrap = find('bubblewrap')
  const commands: Named[] = [
    { name: 'baked box', argv: [bake(bench, 'host', same)], does: "on the host's root, with a minimal /dev" },
    {
      name: 'baked box, defaults',
      argv: [bake(bench, 'host-defaults', plan)],
      does: 'more: a filter of system calls, parts of /proc and /sys hidden',
    },
    ...(bwrap === undefined
      ? []
      : [
          {
            ...bwrap,
            does: 'the same',
            argv: [
              bwrap.argv[0] ?? '',
              ...BWRAP_NAMESPACES,
              '--bind',
              '/',
              '/',
              '--proc',
              '/proc',
              '--dev',
              '/dev',
              '--tmpfs',
              '/run',
              ...command,
            ],
          },
        ]),
  ]
  return { parts: [part("start on the host's root", pace(bench, 150, commands), commands, 'baked box')] }
}

const commandLineOf = (bench: Bench): Named => ({
  name: 'command line',
  argv: [installed(bench, NSBOX), ...ROOT_OPTIONS(bench), '--', COMMAND],
  does: 'nsbox with its defaults, its plan made each time',
})

/** Without priority, since runc is among them and must be an ordinary process. */
function slowPeers({ bench, peers }: Context): Found {
  const [baked] = boxes(bench)
  if (baked === undefined) return {}
  const commands = [baked, commandLineOf(bench), ...peers.filter((peer) => peer.slow)]
  const times = pace(bench, 20, commands, { equal: true })
  return {
    parts: [part('start of a box, slower ones, with no priority over other work', times, commands, 'baked box')],
    targets: [atMost('command line / runc', 0.25, ratioTo(times, 'command line', 'runc'))],
  }
}

function commandLine({ bench, find }: Context): Found {
  const bwrap = find('bubblewrap')
  const commands: Named[] = [
    { name: 'empty Bun program', argv: [emptyBunProgram(bench)], does: 'what the runtime takes to start and end' },
    commandLineOf(bench),
    ...(bwrap === undefined ? [] : [bwrap]),
  ]
  const times = pace(bench, 100, commands)
  return {
    parts: [part('command line', times, commands, 'empty Bun program')],
    targets: [atMost('command line / empty Bun program', 1.4, ratioTo(times, 'command line', 'empty Bun program'))],
  }
}

const COUNTS = [1, 10, 100, 300, 1000]

function byMounts({ bench, find }: Context): Found {
  const counts = bench.quick ? [1, 10] : COUNTS
  const from = Array.from({ length: Math.max(...counts) }, (_, i) => join(bench.dir, 'from', String(i)))
  for (const directory of from) mkdirSync(directory, { recursive: true })
  const bwrap = find('bubblewrap')
  const crun = find('crun') ?? find('runc')
  const all = new Map<string, Map<number, number>>()
  const both: Times = new Map()
  let toBwrap: number | null = null
  for (const count of counts) {
    const sources = from.slice(0, count)
    const plan = planOf([
      ...ROOT_OPTIONS(bench),
      ...sources.flatMap((source, i) => ['--ro-bind', `${source}:/tmp/${i}`]),
    ])
    const commands: Command[] = [
      { name: 'nsbox', argv: [bake(bench, `binds-${count}`, withoutDefaults(plan))] },
      ...(bwrap === undefined
        ? []
        : [
            {
              name: 'bubblewrap',
              argv: [
                ...bwrap.argv.slice(0, -1),
                ...sources.flatMap((source, i) => ['--ro-bind', source, `/tmp/${i}`]),
                COMMAND,
              ],
            },
          ]),
    ]
    const engine: Command[] = [
      ...(crun === undefined
        ? []
        : [
            {
              name: crun.name,
              argv: crun.argv.map((word) =>
                word === join(bench.dir, 'bundle') ? bundle(bench, `bundle-${count}`, sources) : word,
              ),
            },
          ]),
    ]
    const times = new Map([
      ...pace(bench, count >= 300 ? 7 : 30, commands),
      ...(engine.length > 0 ? pace(bench, 7, engine, { equal: true }) : []),
    ])
    for (const { name } of [...commands, ...engine])
      all.set(name, (all.get(name) ?? new Map()).set(count, median(times, name)))
    if (count === counts.at(-1)) toBwrap = ratioTo(times, 'nsbox', 'bubblewrap')
  }
  const [few = 0, many = 0] = bench.quick ? counts : [100, 1000]
  for (const [name, values] of pace(
    bench,
    15,
    [few, many].map((count) => ({ name: String(count), argv: [join(bench.dir, `binds-${count}`)] })),
  ))
    both.set(name, values)
  const points: Points[] = [...all].map(([name, times]) => ({ name, times: [...times] }))
  return {
    byMounts: points,
    targets: [
      atMost(`${many} binds: baked box / bubblewrap`, 0.04, toBwrap),
      atMost(`${many} binds / ${few} binds`, 12, ratioTo(both, String(many), String(few))),
    ],
  }
}

/**
 * Compares a start by the library with the sum of two times: the spawn of a program that does nothing, and a baked
 * box. The measured program also spawns the baked box; from that time the spawn is subtracted, and the time of a
 * program that does nothing added.
 */
function library({ bench, peers }: Context): Found {
  const [, , defaults] = boxes(bench)
  const empty = { name: 'empty', argv: [bench.program('empty')] }
  const alone = median(pace(bench, 100, [empty]), 'empty')
  const DOES: Record<string, string> = {
    bare: 'spawn of the empty program, in no box',
    baked: 'spawn of the same box as a baked program',
    box: 'a box by the library, with its defaults',
    bubblewrap: 'spawn of bwrap',
    'sandbox-runtime': 'wrapWithSandbox and spawn',
  }
  const parts: Part[] = []
  const targets: Target[] = []
  for (const [runtime, name] of [
    ['bun', 'Bun'],
    ['node', 'Node.js'],
  ] as const) {
    const times = libraryTimes(bench, runtime, 100, defaults?.argv[0] ?? '', peers)
    const rows = [...times].map(([way, values]): Row => ({ name: way, does: DOES[way] ?? '', spread: spread(values) }))
    parts.push({ title: `a box from a program, ${name}`, unit: 'us', rounds: times.get('box')?.length ?? 0, rows })
    const both = (times.get('baked') ?? []).map((value) => value + alone)
    if (runtime === 'bun')
      targets.push(
        atMost(
          'library from Bun / (bare spawn + baked box)',
          1.2,
          ratio(new Map([...times, ['both', both]]), 'box', 'both').median,
        ),
      )
  }
  return { parts, targets }
}

async function enter({ bench }: Context): Promise<Found> {
  const { commands, end } = await enterCommands(bench)
  try {
    const times = pace(bench, 150, commands)
    return {
      parts: [part('a command in a box that runs', times, commands, 'sidecar')],
      targets: [atMost('into a box that runs: sidecar / nsenter', 0.8, ratioTo(times, 'sidecar', 'nsenter'))],
    }
  } finally {
    await end()
  }
}

function pipe({ bench }: Context): Found {
  const commands: Named[] = [
    { name: 'unboxed', argv: [], does: 'scripts/bench/flood.c, read by the program' },
    { name: 'boxed', argv: [], does: 'the same from a box' },
  ]
  const found = (
    [
      ['bun', 'Bun'],
      ['node', 'Node.js'],
    ] as const
  ).map(([runtime, name]) => ({ name, times: pipeTimes(bench, runtime, 7) }))
  return {
    parts: found.map(({ name, times }) => part(`much output to a program, ${name}`, times, commands, 'unboxed')),
    targets: found.map(({ name, times }) =>
      atMost(`1 GiB through a boxed pipe / an unboxed one, ${name}`, 1.1, ratioTo(times, 'boxed', 'unboxed')),
    ),
  }
}

function twoAtATime({ bench, find }: Context): Found {
  const [baked] = boxes(bench)
  const bwrap = find('bubblewrap')
  if (baked === undefined) return {}
  const commands = [baked, ...(bwrap === undefined ? [] : [bwrap])]
  const count = bench.quick ? 4 : 50
  const times = pace(bench, 20, commands, { count, together: 2 })
  const rate: Times = new Map([...times].map(([name, values]) => [name, values.map((taken) => (count * 1e6) / taken)]))
  return {
    parts: [{ ...part('boxes per second, two at a time', rate, commands, 'baked box'), unit: '1/s' }],
    targets: [
      atLeast('boxes per second, two at a time: nsbox / bubblewrap', 3, ratioTo(rate, 'baked box', 'bubblewrap')),
    ],
  }
}

/** BPF_RET | BPF_K, SECCOMP_RET_ALLOW. */
const ALLOW_ALL = { from: 'default', filter: 'BgAAAAAA/38=' }

/** A loop that takes far longer than the start of its box. */
function filter({ bench }: Context): Found {
  const plan = planOf(ROOT_OPTIONS(bench), ['/bin/getppid', bench.quick ? '1000' : '1000000'])
  const { seccomp: _, ...process } = plan.process
  const commands: Named[] = [
    { name: 'no filter', argv: [bake(bench, 'getppid', { ...plan, process })] },
    { name: 'default filter', argv: [bake(bench, 'getppid-filter', plan)] },
    {
      name: 'filter of one instruction',
      argv: [bake(bench, 'getppid-allow', { ...plan, process: { ...process, seccomp: ALLOW_ALL } })],
      does: 'allows all: what the kernel takes for any filter',
    },
  ]
  const times = pace(bench, 40, commands)
  return {
    parts: [part('a million getppid calls', times, commands, 'no filter')],
    targets: [
      atMost('getppid loop: default filter / none', 1.1, ratioTo(times, 'default filter', 'no filter')),
      atMost(
        'getppid loop: default filter / filter of one instruction',
        1.03,
        ratioTo(times, 'default filter', 'filter of one instruction'),
      ),
    ],
  }
}

async function memory({ bench, find }: Context): Promise<Found> {
  const box = bake(bench, 'idle', planOf(ROOT_OPTIONS(bench), ['/bin/idle']))
  const bwrap = find('bubblewrap')
  const runtime = find('sandbox-runtime')
  const few = bench.quick ? 2 : 10
  const many = bench.quick ? 4 : 500
  const boxes: { name: string; count: number; argv: readonly string[]; does?: string }[] = [
    { name: 'baked box', count: 1, argv: [box], does: 'one alone' },
    { name: 'baked box', count: many, argv: [box], does: `${many} at once` },
    ...(bwrap === undefined
      ? []
      : [
          { name: 'bubblewrap', count: many, argv: [...bwrap.argv.slice(0, -1), '/bin/idle'], does: `${many} at once` },
        ]),
    ...(runtime === undefined
      ? []
      : [
          {
            name: 'sandbox-runtime',
            count: few,
            argv: [...runtime.argv.slice(0, -1), bench.program('idle')],
            does: `${few} at once`,
          },
        ]),
  ]
  runtimeSettings(bench)
  const rows: Row[] = []
  const text = 'memory of a box while it runs, kB PSS'
  for (const { name, count, argv, does } of boxes) {
    try {
      const size = await memoryOfEach(argv, count)
      rows.push({ name, ...(does && { does }), spread: { median: size, low: size, high: size } })
    } catch (error) {
      // Only root may read about processes that aren't dumpable, as ours are.
      if ((error as NodeJS.ErrnoException).code === 'EACCES') return { targets: [atMost(text, 200, null, 'kB')] }
      throw error
    }
  }
  const [alone, together] = rows.map(({ spread }) => spread.median)
  const theirs = rows.find(({ name }) => name === 'sandbox-runtime')?.spread.median
  return {
    parts: [{ title: 'memory of a box while its command runs, the command left out', unit: 'kB', rounds: 1, rows }],
    targets: [
      atMost(text, 200, alone ?? null, 'kB'),
      atMost(
        'memory of 500 boxes / 50 of sandbox-runtime',
        1,
        theirs === undefined || together === undefined ? null : (500 * together) / (50 * theirs),
      ),
    ],
  }
}

function sizes({ bench }: Context): Found {
  return {
    targets: [
      atMost('sidecar file', 120, statSync(SIDECAR).size / 1024, 'kB'),
      atMost('front-end bundle before Bun is added', 250, bundleSize(bench) / 1024, 'kB'),
    ],
  }
}
