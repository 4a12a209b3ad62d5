/**
 * A virtual machine with a kernel of its own and all controllers of cgroup v2. It boots once, runs all cases of a file one
 * after another, tells what they printed over its serial line, and goes.
 *
 * In the guest are busybox, the sidecar and plans. The plans are made here, for the guest's users: what a plan leaves open,
 * such as whose control group is the one above, is found where it runs.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { parse } from './command.ts'
import type { HostFacts } from '../../src/host/bun.ts'
import { buildPlan } from '../../src/planner/build.ts'
import type { Plan } from '../../src/plan/types.ts'
import { archive, directory, file, link } from './cpio.ts'
import { BIN, SIDECAR } from './nsbox.ts'

const top = resolve(import.meta.dir, '../..')
const QEMU = ['qemu-system-x86_64', '-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', '768', '-display', 'none', '-serial', 'stdio', '-monitor', 'none', '-nic', 'none', '-no-reboot']

export const USER = 1000
export type Outcome = { status: number; output: string }
export type Case = { name: string; script: string; first: boolean }

/** Kernels that `make` has put in place, or the reason why there are none. */
export function kernels(): { paths: string[] } | { reason: string } {
  const dir = join(top, 'dist/vm')
  const [program = ''] = QEMU
  if (Bun.which(program) === null) return { reason: `${program} is not installed` }
  try {
    const paths = readdirSync(dir).filter((name) => name.startsWith('vmlinuz-')).sort().map((name) => join(dir, name))
    if (paths.length > 0) return { paths }
    return { reason: readFileSync(join(dir, 'skipped'), 'utf8').trim() }
  } catch {
    return { reason: 'dist/vm is not there: make test-vm makes it' }
  }
}

/** What a plan depends on, of the guest. */
function guest(uid: number): HostFacts {
  return {
    machine: 'x64', uid, gid: uid, cwd: '/', env: {}, userName: () => undefined, variable: () => undefined, changed: () => ({ signals: [] }),
    look: (path) => (['/', '/proc', '/dev', '/sys'].includes(path) || path.startsWith('/roots/') ? 'directory' : { code: 'ENOENT' }),
    read: () => ({ code: 'ENOENT' }),
  }
}

/** Cases for one boot, and the plans that their scripts run. */
export class Guest {
  readonly cases: Case[] = []
  readonly #plans: Plan[] = []

  /** `first`: before the guest leaves its first root file system, the initramfs. */
  add(name: string, script: string, first = false): void {
    this.cases.push({ name, script, first })
  }

  /** Words of shell that run a box with the arguments of the command line; what follows goes to the command. */
  box(args: readonly string[], { uid = 0, flags = '', change = (plan: Plan): Plan => plan } = {}): string {
    const parsed = parse(args)
    if (parsed.verb !== 'run' || parsed.planFile !== undefined) throw new Error('not a command to run')
    this.#plans.push(change(buildPlan(parsed.options, parsed.argv, guest(uid))))
    return `nsbox-sidecar ${flags} --plan /plans/${this.#plans.length - 1}`
  }

  /** Boot, and give back what each case printed, by its name. Cases without an entry were not reached. */
  async run(kernel: string, seconds: number): Promise<{ outcomes: Map<string, Outcome>; console: string }> {
    const dir = mkdtempSync(join(tmpdir(), 'nsbox-vm-'))
    try {
      writeFileSync(join(dir, 'initrd'), this.#initramfs())
      const console = await boot([...QEMU, '-kernel', kernel, '-initrd', join(dir, 'initrd'), '-append', 'console=ttyS0 quiet loglevel=0 panic=-1 mitigations=off'], seconds)
      return { outcomes: read(console), console }
    } finally {
      rmSync(dir, { recursive: true })
    }
  }

  #initramfs(): Buffer {
    return archive([
      ...['bin', 'cases', 'cases/first', 'cases/then', 'dev', 'etc', 'plans', 'proc', 'roots', 'sys', 'tmp', 'run', 'new', 'home'].map((path) => directory(path)),
      file('bin/busybox', readFileSync('/bin/busybox')), link('bin/sh', 'busybox'), file('init', INIT),
      file('bin/nsbox-sidecar', readFileSync(SIDECAR)),
      ...readdirSync(BIN).map((name) => file(`bin/${basename(name)}`, readFileSync(join(BIN, name)))),
      file('etc/passwd', `root:x:0:0::/:/bin/sh\nann:x:${USER}:${USER}::/home:/bin/sh\n`, 0o644), file('etc/group', `root:x:0:\nann:x:${USER}:\n`, 0o644),
      ...this.#plans.map((plan, number) => file(`plans/${number}`, JSON.stringify(plan), 0o644)),
      ...this.cases.map(({ script, first }, number) => file(`cases/${first ? 'first' : 'then'}/${String(number).padStart(3, '0')}`, `set -u\n${script}\n`)),
    ])
  }
}

const SECONDS_EACH = 60

/** Process 1 of the guest, and again after it has moved to another root, where it is told "then". */
const INIT = `#!/bin/sh
export PATH=/bin HOME=/
if [ "\${1-}" != then ]; then
  /bin/busybox --install -s /bin
  mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev; mount -t cgroup2 cgroup2 /sys/fs/cgroup
  mkdir /dev/shm /dev/pts; mount -t tmpfs shm /dev/shm; mount -t devpts -o newinstance,ptmxmode=666 devpts /dev/pts
  stty raw -echo </dev/ttyS0
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
  cp -a /bin /cases /etc /home /init /plans /roots /new
  mkdir /new/proc /new/sys /new/dev /new/tmp /new/run; chmod 1777 /new/tmp
  for each in proc sys dev; do mount --move /$each /new/$each; done
  exec switch_root /new /init then
fi
echo @@over
poweroff -f
`

/** What the machine says on its serial line until it goes. It is killed when the time is over. */
function boot([program = '', ...args]: readonly string[], seconds: number): Promise<string> {
  return new Promise((done, reject) => {
    const machine = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let text = ''
    for (const stream of [machine.stdout, machine.stderr]) stream.on('data', (data: Buffer) => { text += data })
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

/** By the number of the case. */
function read(console: string): Map<string, Outcome> {
  return new Map([...console.matchAll(/^@@begin (\d+)\n(.*?)\n?@@end \1 (\d+)$/gms)].map(([, number = '', output = '', status]) => [number, { output, status: Number(status) }]))
}
