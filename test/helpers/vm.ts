/**
 * A virtual machine with a kernel of its own and all controllers of cgroup v2. It boots once, runs all cases of a file
 * one after another, tells what they printed over its serial line, and goes.
 *
 * In the guest are busybox, the sidecar and plans, and the front end where a file asks for it. The plans are made
 * here, for the guest's users: what a plan leaves open, such as whose control group is the one above, is found where
 * it runs.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import type { HostFacts } from '../../src/host/types.ts'
import { buildPlan } from '../../src/planner/build.ts'
import { parse } from './command.ts'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Plan } from '../../src/plan/types.ts'
import { archive, directory, file, link } from './cpio.ts'
import { BIN, NSBOX, SIDECAR } from './nsbox.ts'

const top = resolve(import.meta.dir, '../..')
/** The processor of a guest, and what the guest gets from this machine. */
type Machine = {
  qemu: readonly string[]
  /** The device of its serial line. */
  console: string
  busybox: string
  nsbox: string
  sidecar: string
  /** The directory of programs for tests. */
  programs: string
  /** Files that the front end needs: the path in the guest, the file here. */
  libraries: () => readonly (readonly [string, string])[]
}

const QEMU = '-smp 2 -display none -serial stdio -monitor none -nic none -no-reboot'.split(' ')
const ARM64 = join(top, 'dist/arm64')
const ARM64_LIBRARIES = ['c', 'dl', 'm', 'pthread', 'rt', 'gcc_s']

const X64: Machine = {
  qemu: ['qemu-system-x86_64', '-accel', 'tcg,thread=multi', '-cpu', 'max', '-m', '1024', ...QEMU],
  console: 'ttyS0',
  busybox: '/bin/busybox',
  nsbox: NSBOX,
  sidecar: SIDECAR,
  programs: BIN,
  libraries: () => librariesOf(NSBOX).map((path) => [path.slice(1), path] as const),
}

const MACHINES = {
  x64: X64,
  arm64: {
    qemu: ['qemu-system-aarch64', '-accel', 'tcg,thread=multi', '-M', 'virt', '-cpu', 'max', '-m', '2048', ...QEMU],
    console: 'ttyAMA0',
    busybox: join(ARM64, 'guest/bin/busybox'),
    nsbox: join(ARM64, 'nsbox'),
    sidecar: join(ARM64, 'nsbox-sidecar'),
    programs: join(ARM64, 'test'),
    libraries: () => {
      const dir = 'lib/aarch64-linux-gnu'
      const named = readdirSync(join(ARM64, 'guest', dir)).filter((name) =>
        ARM64_LIBRARIES.some((library) => name.startsWith(`lib${library}.so`)),
      )
      return [
        ...named.map((name) => [`${dir}/${name}`, join(ARM64, 'guest', dir, name)] as const),
        ['lib/ld-linux-aarch64.so.1', join(ARM64, 'guest', dir, 'ld-linux-aarch64.so.1')] as const,
      ]
    },
  },
} satisfies Record<string, Machine>

export const USER = 1000
export type Outcome = { status: number; output: string }
export type Case = { name: string; script: string; first: boolean }

/** `path`: the kernel's directory in dist/; or the reason why it is missing. */
export type Kernel = { name: string; release: string } & ({ path: string; modules: string[] } | { reason: string })

/**
 * The kernels of VM_KERNELS in the Makefile; only the one with that name, if it is among them, unless all are asked
 * for.
 */
export function kernels(only?: string): Kernel[] {
  const names = namesOf(/^\d+(?:\.\d+)*/)
  const known = names.length > 0 ? names.sort(byVersion) : [only ?? 'no kernel']
  const all = only === undefined || process.env.NSBOX_TEST_VM === 'all' || !known.includes(only)
  return known.filter((name) => all || name === only).map((name) => kernelOf(name, 'x64'))
}

/** The kernels of ARM64_KERNELS in the Makefile. */
export function arm64Kernels(): Kernel[] {
  const missing = join(top, 'dist/arm64-guest.skipped')
  if (!existsSync(MACHINES.arm64.nsbox)) {
    const reason = existsSync(missing)
      ? readFileSync(missing, 'utf8').trim()
      : 'dist/arm64/nsbox is not there: make test-arm64 makes it'
    return [{ name: 'arm64', release: 'arm64', reason }]
  }
  const names = namesOf(/^arm64-[\dk.]*\dk?/)
  return (names.length > 0 ? names.sort() : ['arm64']).map((name) => kernelOf(name, 'arm64'))
}

/** The names in dist/vm that begin so. */
function namesOf(pattern: RegExp): string[] {
  const dir = join(top, 'dist/vm')
  const names = existsSync(dir) ? readdirSync(dir).map((name) => pattern.exec(name)?.[0] ?? '') : []
  return [...new Set(names.filter((name) => name !== ''))]
}

function kernelOf(name: string, machine: keyof typeof MACHINES): Kernel {
  const dir = join(top, 'dist/vm')
  const [program = ''] = MACHINES[machine].qemu
  const [path, list] = [join(dir, name, 'vmlinuz'), join(dir, name, 'modules')]
  const skipped = join(dir, `${name}.skipped`)
  if (Bun.which(program) === null) return { name, release: name, reason: `${program} is not installed` }
  if (!existsSync(path) || !existsSync(list))
    return {
      name,
      release: name,
      reason: existsSync(skipped)
        ? readFileSync(skipped, 'utf8').trim()
        : 'dist/vm is not there: make test-vm makes it',
    }
  const modules = readFileSync(list, 'utf8')
    .split('\n')
    .filter((file) => file !== '')
    .map((file) => join(dir, name, file))
  return {
    name,
    release:
      readFileSync(join(dir, name, 'release'), 'utf8')
        .split(' ')
        .at(-1)
        ?.trim() ?? name,
    path,
    modules,
  }
}

/** Less than 0 if A is the older version. */
export function byVersion(a: string, b: string): number {
  const [first, second] = [a, b].map((name) => name.replace(/-.*/, '').split('.').map(Number))
  for (let i = 0; i < 3; i++)
    if ((first?.[i] ?? 0) !== (second?.[i] ?? 0)) return (first?.[i] ?? 0) - (second?.[i] ?? 0)
  return 0
}

/** The facts about the guest that a plan depends on. */
function guest(uid: number): HostFacts {
  return {
    machine: 'x64',
    uid,
    gid: uid,
    cwd: '/',
    env: {},
    opensFiles: () => {},
    hasRead: () => {},
    hasTerminal: () => false,
    isLink: () => false,
    kind: () => undefined,
    linkText: () => undefined,
    directoriesIn: () => [],
    realPath: (path) => path,
    runsI386: () => false,
    variable: () => undefined,
    changed: () => ({ signals: [] }),
    isKernel: () => true,
    look: (path) =>
      ['/', '/proc', '/dev', '/sys'].includes(path) || path.startsWith('/roots/') ? 'directory' : { code: 'ENOENT' },
    read: () => ({ code: 'ENOENT' }),
  }
}

/** Cases for one boot, and the plans that their scripts run. */
export class Guest {
  readonly cases: Case[] = []
  readonly #plans: Plan[] = []
  readonly #withFrontEnd: boolean
  readonly #programs: readonly string[]
  readonly #files: Readonly<Record<string, Buffer>>
  readonly #machine: Machine

  /**
   * `frontEnd`: the front end is in the guest, which needs a larger machine and seconds more to unpack. `programs`:
   * paths of programs of this machine, which the guest has at /bin, setuid where they are here. `files`: what it has in
   * /files, by name.
   */
  constructor({
    frontEnd = false,
    machine = 'x64' as keyof typeof MACHINES,
    programs = [] as readonly string[],
    files = {} as Readonly<Record<string, Buffer>>,
  } = {}) {
    this.#withFrontEnd = frontEnd
    this.#programs = programs
    this.#files = files
    this.#machine = MACHINES[machine]
  }

  /** `first`: the case runs before the guest leaves its first root file system, the initramfs. */
  add(name: string, script: string, first = false): void {
    this.cases.push({ name, script, first })
  }

  /** Shell words that run a box with these arguments of the command line; words after them go to the command. */
  box(args: readonly string[], { uid = 0, flags = '', change = (plan: Plan): Plan => plan } = {}): string {
    const parsed = parse(args)
    if (parsed.verb !== 'run' || parsed.planFile !== undefined) throw new Error('not a command to run')
    this.#plans.push(change(buildPlan(parsed.options, parsed.argv, guest(uid))))
    return `nsbox-sidecar ${flags} --plan /plans/${this.#plans.length - 1}`
  }

  /** Boots, and returns the output of each case, by its name. Cases without an entry were not reached. */
  async run(
    { path, modules }: { path: string; modules: readonly string[] },
    seconds: number,
  ): Promise<{ outcomes: Map<string, Outcome>; console: string }> {
    const dir = mkdtempSync(join(tmpdir(), 'nsbox-vm-'))
    try {
      writeFileSync(join(dir, 'initrd'), this.#initramfs(modules))
      const console = await boot(
        [
          ...this.#machine.qemu,
          '-kernel',
          path,
          '-initrd',
          join(dir, 'initrd'),
          '-append',
          `console=${this.#machine.console} quiet loglevel=0 panic=-1 mitigations=off`,
        ],
        seconds,
      )
      return { outcomes: read(console), console }
    } finally {
      rmSync(dir, { recursive: true })
    }
  }

  #initramfs(modules: readonly string[]): Buffer {
    const { busybox, nsbox, sidecar, programs, libraries, console } = this.#machine
    return archive([
      ...[
        'bin',
        'cases',
        'cases/first',
        'cases/then',
        'dev',
        'etc',
        'files',
        'plans',
        'proc',
        'roots',
        'sys',
        'tmp',
        'run',
        'new',
        'home',
        'modules',
        'lib',
        'lib64',
        'lib/x86_64-linux-gnu',
        'lib/aarch64-linux-gnu',
      ].map((path) => directory(path)),
      file('bin/busybox', readFileSync(busybox)),
      link('bin/sh', 'busybox'),
      file('init', INIT.replaceAll('ttyS0', console)),
      ...modules.map((path, n) =>
        file(`modules/${String(n).padStart(2, '0')}-${basename(path)}`, readFileSync(path), 0o644),
      ),
      ...(this.#withFrontEnd ? [file('bin/nsbox', readFileSync(nsbox))] : []),
      ...this.#programs.map((path) =>
        file(`bin/${basename(path)}`, readFileSync(path), 0o755 | (statSync(path).mode & 0o6000)),
      ),
      ...[
        ...new Map([
          ...(this.#withFrontEnd ? libraries() : []),
          ...this.#programs.flatMap(librariesOf).map((path) => [path.slice(1), path] as const),
        ]),
      ].map(([there, here]) => file(there, readFileSync(here))),
      ...Object.entries(this.#files).map(([name, content]) => file(`files/${name}`, content, 0o644)),
      // Plans that hide files call nsbox-hide, which the sidecar looks for beside itself.
      ...['nsbox-sidecar', 'nsbox-hide'].map((name) => file(`bin/${name}`, readFileSync(join(dirname(sidecar), name)))),
      ...filesBelow(programs).map((name) => file(`bin/${basename(name)}`, readFileSync(join(programs, name)))),
      file('etc/passwd', `root:x:0:0::/:/bin/sh\nann:x:${USER}:${USER}::/home:/bin/sh\n`, 0o644),
      file('etc/group', `root:x:0:\nann:x:${USER}:\n`, 0o644),
      ...['etc/subuid', 'etc/subgid'].map((path) => file(path, 'ann:100000:65536\n', 0o644)),
      ...this.#plans.map((plan, number) => file(`plans/${number}`, JSON.stringify(plan), 0o644)),
      ...this.cases.map(({ script, first }, number) =>
        file(`cases/${first ? 'first' : 'then'}/${String(number).padStart(3, '0')}`, `set -u\n${script}\n`),
      ),
    ])
  }
}

/** The files in a directory and below it, by their paths there. */
const filesBelow = (directory: string): string[] =>
  (readdirSync(directory, { recursive: true }) as string[]).filter((name) => statSync(join(directory, name)).isFile())

/** The loader and the libraries of a program of this machine, at the paths where the loader looks for them. */
function librariesOf(program: string): string[] {
  return [...spawnSync('ldd', [program], { encoding: 'utf8' }).stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(
    ([, path = '']) => path,
  )
}

const SECONDS_EACH = 60

/** Process 1 of the guest. It runs again, with the argument "then", after it has moved to another root. */
const INIT = `#!/bin/sh
export PATH=/bin HOME=/
if [ "\${1-}" != then ]; then
  /bin/busybox --install -s /bin
  mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev; mount -t cgroup2 cgroup2 /sys/fs/cgroup
  mkdir /dev/shm /dev/pts; mount -t tmpfs shm /dev/shm; mount -t devpts -o newinstance,ptmxmode=666 devpts /dev/pts
  stty raw -echo </dev/ttyS0
  for each in /modules/*; do [ ! -e "$each" ] || insmod "$each"; done
  chmod 1777 /tmp
  ip link set lo up
fi
for case in /cases/\${1-first}/*; do
  [ -e "$case" ] || continue
  echo "@@begin \${case##*/}"
  timeout -s KILL ${SECONDS_EACH} sh "$case" </dev/null >/tmp/output 2>&1
  echo $? >/tmp/status
  cat /tmp/output
  echo; echo "@@end \${case##*/} $(cat /tmp/status)"
done
if [ "\${1-}" != then ]; then
  mount -t tmpfs -o mode=755 root /new
  cp -a /bin /cases /etc /files /home /init /lib /lib64 /plans /roots /new
  mkdir /new/proc /new/sys /new/dev /new/tmp /new/run; chmod 1777 /new/tmp
  for each in proc sys dev; do mount --move /$each /new/$each; done
  exec switch_root /new /init then
fi
echo @@over
# It waits until all output has left the machine.
stty -F /dev/console raw -echo
poweroff -f
`

/** The machine's output on its serial line until it ends. It is killed when the time is over. */
function boot([program = '', ...args]: readonly string[], seconds: number): Promise<string> {
  return new Promise((done, reject) => {
    const machine = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let text = ''
    for (const stream of [machine.stdout, machine.stderr])
      stream.on('data', (data: Buffer) => {
        text += data
      })
    const timer = setTimeout(() => machine.kill('SIGKILL'), seconds * 1000)
    const end = () => machine.kill('SIGKILL')
    process.on('exit', end)
    machine.on('error', reject)
    machine.on('close', () => {
      clearTimeout(timer)
      process.off('exit', end)
      done(text.replaceAll('\r', ''))
    })
  })
}

/** The outcomes by the number of the case. */
function read(console: string): Map<string, Outcome> {
  return new Map(
    [...console.matchAll(/^@@begin (\d+)\n(.*?)\n?@@end \1 (\d+)$/gms)].map(([, number = '', output = '', status]) => [
      number,
      { output, status: Number(status) },
    ]),
  )
}

export type Check = { name: string; check: (outcome: Outcome, kernel: string) => void }

/** Collects the cases of a guest, with a check of each: a function, or the lines that the case prints. */
export function casesOf(guest: Guest) {
  const checks: Check[] = []
  const inGuest = (name: string, script: string, check: Check['check'] | readonly string[]): void => {
    guest.add(name, script)
    checks.push({
      name,
      check: typeof check === 'function' ? check : ({ output }) => assert.equal(output.trimEnd().split('\n'), check),
    })
  }
  return { checks, inGuest }
}

/** A script that the guest's ordinary user runs. */
export const asUser = (script: string) =>
  `cat >/tmp/as-user <<'END'\n${script}\nEND\nsu -s /bin/sh ann -c 'sh /tmp/as-user'`

/**
 * Makes a test for each of the guest's cases, in their order, and each kernel. Tests of a missing kernel count as
 * skipped.
 */
export async function onKernels(guest: Guest, checks: readonly Check[], wanted: readonly Kernel[]): Promise<void> {
  for (const kernel of wanted) {
    const title = (name: string) => `${name} (Linux ${kernel.release})`
    if ('reason' in kernel) {
      for (const { name } of checks) test.skip(title(name), () => {})
      console.log(`skipped: Linux ${kernel.name}: ${kernel.reason}`)
      continue
    }
    const { outcomes, console: text } = await guest.run(kernel, 270)
    if (outcomes.size < checks.length)
      console.log(`the guest did not come to its end; its last words:\n${text.slice(-2000)}`)
    for (const [number, { name, check }] of checks.entries()) {
      test(title(name), () => {
        const outcome = outcomes.get(String(number).padStart(3, '0'))
        if (outcome === undefined) throw new Error('the guest did not come to this case')
        try {
          check(outcome, kernel.release)
        } catch (error) {
          console.log(`${title(name)}: the guest said (${outcome.status}):\n${outcome.output}`)
          throw error
        }
      })
    }
  }
}
