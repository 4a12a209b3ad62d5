/**
 * A soak test: starts thousands of boxes, four at a time, and kills many of them at a random moment. It fails if a
 * status was wrong, or if a mount, process, control group, file or descriptor is left.
 *
 *   bun scripts/soak.ts [BOXES] [SEED]     prints the seed; the same seed makes the same choices again
 */
import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const top = resolve(import.meta.dir, '..')
const NSBOX = process.env.NSBOX ?? join(top, 'dist/nsbox')
const SIDECAR = process.env.NSBOX_SIDECAR ?? join(top, 'dist/nsbox-sidecar')
const COUNT = Number(process.argv[2] ?? 10000)
const SEED = Number(process.argv[3] ?? Date.now() % 1000000)
const AT_ONCE = 4
/** Every box and its processes have this in their environment. */
const MARK = `NSBOX_SOAK=${process.pid}.${SEED}`

/** Mulberry32: numbers from 0 to 1, the same ones for the same seed. */
let state = SEED
function random(): number {
  state = (state + 0x6d2b79f5) | 0
  let t = Math.imul(state ^ (state >>> 15), 1 | state)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}
const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T

type Job = {
  args: readonly string[]
  program: readonly string[]
  command: readonly string[]
  expected: readonly string[]
  signal?: 'SIGKILL' | 'SIGTERM'
  after: number
}

const dir = realpathSync(mkdtempSync(join(tmpdir(), 'nsbox-soak-')))
const root = join(dir, 'r')
/** Without directories that the user may not search, which would change the failure of a missing command. */
const ENV = {
  ...process.env,
  PATH: '/usr/bin:/bin',
  TMPDIR: join(dir, 'places'),
  [MARK.split('=')[0] as string]: MARK.split('=')[1],
}

function prepare(): void {
  for (const name of ['bin', 'proc', 'dev', 'tmp', 'm', 'secret']) mkdirSync(join(root, name), { recursive: true })
  copyFileSync(
    spawnSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).stdout.trim(),
    join(root, 'bin/busybox'),
  )
  for (const applet of ['sh', 'sleep', 'true', 'kill', 'setsid']) symlinkSync('busybox', join(root, 'bin', applet))
  writeFileSync(join(root, 'secret/key'), 'secret')
  mkdirSync(join(dir, 'source'))
  mkdirSync(join(dir, 'places'))
  writeFileSync(join(dir, 'source/file'), 'content')
}

/** Shapes of boxes, and a plan for each, to which the sidecar appends the command. */
const SHAPES: readonly (readonly string[])[] = [
  ['--root', root],
  ['--root', root, '--tmpfs', '/tmp', '--new-session'],
  ['--root', root, '--ro', '--tmpfs', '/tmp:size=1m'],
  ['--root', root, '--overlay', '--dir', '/new/deep'],
  ['--root', root, '--no-init'],
  ['--root', root, '--net', 'none', '--hostname', 'soak'],
  ['--root', root, '--ro-bind', `${dir}/source:/m`, '--mask', '/secret'],
  ['--root', root, '--file', `${dir}/source/file:/m/file`, '--tmpfs', '/tmp/made'],
  ['--root', root, '--map-root', '--cap-drop', 'all'],
  [],
  ['--overlay'],
  ['--tmpfs', '/tmp', '--ro'],
]

/** Commands by name, with the status that each ends with. */
function commandAndStatus(): { command: string[]; expected: string } {
  const status = Math.floor(random() * 120)
  return pick([
    () => ({ command: ['sh', '-c', `exit ${status}`], expected: String(status) }),
    () => ({ command: ['true'], expected: '0' }),
    () => ({ command: ['sh', '-c', `sleep 100 & (sleep 100 &) ; exit ${status}`], expected: String(status) }),
    () => ({ command: ['sh', '-c', 'kill -SEGV $$; sleep 1'], expected: '139' }),
    () => ({ command: ['nowhere-at-all'], expected: '127' }),
  ])()
}

function job(plans: readonly string[]): Job {
  const shape = Math.floor(random() * SHAPES.length)
  const args = SHAPES[shape] ?? []
  // One in ten starts by the whole program, front end included.
  const program =
    random() < 0.1
      ? [NSBOX, ...args]
      : [SIDECAR, '--plan', plans[shape] ?? '', ...(random() < 0.3 ? ['--old-mount-api'] : []), '--']
  if (random() < 0.4) {
    const signal = random() < 0.7 ? ('SIGKILL' as const) : ('SIGTERM' as const)
    const command = pick([
      ['sleep', '100'],
      ['sh', '-c', 'sleep 100 & (setsid sleep 100 &) ; sleep 100'],
    ])
    // Without an init the command is process 1, and the kernel drops signals that it doesn't handle.
    const kind = args.includes('--no-init') ? ('SIGKILL' as const) : signal
    return {
      args,
      program,
      command,
      signal: kind,
      expected: kind === 'SIGKILL' ? ['SIGKILL', '137'] : ['SIGTERM', '143'],
      after: random() * (program[0] === NSBOX ? 30 : 10),
    }
  }
  const { command, expected } = commandAndStatus()
  // Process 1 can't kill itself by a signal, so a shell that is process 1 goes on.
  if (expected === '139' && args.includes('--no-init'))
    return { args, program, command: ['true'], expected: ['0'], after: 0 }
  return { args, program, command, expected: [expected], after: 0 }
}

const wrong: string[] = []
const counts = { boxes: 0, killed: 0 }

async function run({ program, command, expected, signal, after }: Job): Promise<void> {
  const box = Bun.spawn([...program, ...command], { env: ENV, stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' })
  if (signal !== undefined) {
    await Bun.sleep(after)
    box.kill(signal)
    counts.killed++
  }
  await box.exited
  counts.boxes++
  const status = String(box.signalCode ?? box.exitCode)
  if (!expected.includes(status))
    wrong.push(
      `${program.slice(1).join(' ')} ${command.join(' ')}: ${status}, and not ${expected.join(' or ')}${signal === undefined ? '' : ` (${signal} after ${after.toFixed(1)} ms)`}`,
    )
}

/** Our own processes and those in our boxes, zombies included. */
function processes(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .flatMap((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(MARK)
          ? [`${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ')}`]
          : []
      } catch {
        return []
      }
    })
}

function tree(directory: string): string[] {
  return (readdirSync(directory, { recursive: true }) as string[]).map((name) => join(directory, name)).sort()
}

/** Only control groups with our name, since others use the machine too. */
function groups(directory = '/sys/fs/cgroup'): string[] {
  const deeper = (name: string) => {
    const path = join(directory, name)
    return [...(name.includes('nsbox') && name.includes(String(process.pid)) ? [path] : []), ...groups(path)]
  }
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .flatMap(({ name }) => deeper(name))
  } catch {
    return []
  }
}

/**
 * The open descriptors of this process, which started all boxes. Don't call it shortly after spawnSync: Bun closes the
 * ends of its pipes some time after that returns.
 */
function descriptors(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [`${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`]
    } catch {
      return []
    }
  })
}

type Machine = Record<'mounts' | 'processes' | 'groups' | 'files' | 'descriptors', string[]>
const look = (): Machine => ({
  mounts: readFileSync('/proc/self/mountinfo', 'utf8').trim().split('\n'),
  processes: processes(),
  groups: groups(),
  files: tree(dir),
  descriptors: descriptors(),
})

function left(before: Machine): string[] {
  const now = look()
  return (Object.keys(before) as (keyof Machine)[]).flatMap((kind) => {
    if (kind === 'descriptors')
      return now[kind].length > before[kind].length
        ? [`descriptors: ${now[kind].join(', ')}, and not ${before[kind].join(', ')}`]
        : []
    return now[kind].filter((one) => !before[kind].includes(one)).map((one) => `${kind}: ${one}`)
  })
}

async function soak(): Promise<void> {
  prepare()
  const plans = SHAPES.map((args, i) => {
    const { status, stdout, stderr } = spawnSync(NSBOX, ['plan', '--quiet', ...args, 'COMMAND'], { encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
    const plan = JSON.parse(stdout)
    plan.process.argv = ['env']
    writeFileSync(join(dir, `plan${i}`), JSON.stringify(plan))
    return join(dir, `plan${i}`)
  })
  // Only the mount points that the shapes name may stay.
  for (const args of SHAPES) spawnSync(NSBOX, [...args, 'true'])
  symlinkSync('busybox', join(root, 'bin/env'))
  // The runtime opens its own descriptors for children with the first ones.
  const first = {
    args: [],
    program: [SIDECAR, '--plan', plans[0] ?? '', '--'],
    command: ['true'],
    expected: ['0'],
    after: 0,
  }
  await Promise.all(Array.from({ length: 4 * AT_ONCE }, () => run(first)))
  Object.assign(counts, { boxes: 0, killed: 0 })
  for (let tries = 0; tries < 100 && descriptors().some((one) => one.includes(' socket:')); tries++) await Bun.sleep(10)
  const before = look()
  const start = Date.now()
  let next = 0
  const worker = async () => {
    while (next++ < COUNT) await run(job(plans))
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  const seconds = (Date.now() - start) / 1000
  // Killed processes need a moment to end.
  for (let tries = 0; tries < 100 && left(before).length > 0; tries++) await Bun.sleep(50)
  wrong.push(...left(before).map((one) => `left: ${one}`))
  console.log(
    `${COUNT} boxes, ${counts.killed} killed, seed ${SEED}: ${(COUNT / seconds).toFixed(0)} a second; ${wrong.length} wrong`,
  )
}

console.log(`seed ${SEED}`)
try {
  await soak()
} finally {
  rmSync(dir, { recursive: true, force: true })
}
for (const one of wrong.slice(0, 20)) console.log(one)
process.exit(wrong.length > 0 ? 1 : 0)
