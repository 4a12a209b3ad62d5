/** The filters of system calls: their verdicts, the kernel's, and their effect on commands in a box. */
// seconds: 200
import { copyFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { compile } from '../../src/seccomp/bpf.ts'
import { ALLOW, errno, KILL_PROCESS, type Condition, type Filter, type Machine } from '../../src/seccomp/filter.ts'
import { OF_ROOT } from '../../src/planner/capabilities.ts'
import { defaultFilter } from '../../src/seccomp/default.ts'
import { withFakeRoot } from '../../src/seccomp/fake-root.ts'
import { SYSCALLS } from '../../src/seccomp/syscalls.ts'
import { asRoot, BIN, busyboxRoot, execute, inTemp, nsbox, NSBOX, planOf, sidecar } from '../helpers/nsbox.ts'
import { evaluate, trace } from './interpreter.ts'
import {
  ALLOWED_ARM,
  ARGUMENTS,
  AUDIT_ARM,
  AUDIT_I386,
  LIKE_I386,
  ODD_I386,
  oddI386,
  ONLY_I386,
  REFUSED,
  refusedI386,
} from './i386.ts'

const AUDIT = { x64: 0xc000003e, arm64: 0xc00000b7 }
const [EPERM, ENOSYS, EAFNOSUPPORT] = [errno(1), errno(38), errno(97)]

function decide(machine: Machine, filter: Uint8Array, name: string | number, ...args: (number | bigint)[]): number {
  const number = typeof name === 'number' ? name : (SYSCALLS[machine] as Record<string, number>)[name]
  assert.ok(number !== undefined, `${machine} has no ${name}`)
  return evaluate(filter, {
    machine: AUDIT[machine],
    number,
    args: [...args, 0n, 0n, 0n, 0n, 0n, 0n].slice(0, 6).map(BigInt),
  })
}

for (const machine of ['x64', 'arm64'] as const) {
  const plain = compile(defaultFilter(machine, []))
  const root = compile(defaultFilter(machine, [...OF_ROOT]))
  const all = compile(
    defaultFilter(machine, ['sys_admin', 'sys_module', 'sys_time', 'sys_boot', 'syslog', 'bpf', 'dac_read_search']),
  )
  const say = (filter: Uint8Array, name: string | number, ...args: (number | bigint)[]) =>
    decide(machine, filter, name, ...args)

  test(`the default filter allows what ordinary programs call (${machine})`, () => {
    for (const name of ['read', 'openat', 'execve', 'futex', 'mmap', 'ptrace', 'statx', 'rseq', 'prctl', 'seccomp'])
      assert.is(say(plain, name, -1), ALLOW, name)
  })

  test(`it refuses calls that lead out of a box (${machine})`, () => {
    for (const name of [
      'mount',
      'umount2',
      'unshare',
      'setns',
      'pivot_root',
      'bpf',
      'perf_event_open',
      'keyctl',
      'add_key',
      'userfaultfd',
      'io_uring_setup',
      'init_module',
      'kexec_load',
      'open_by_handle_at',
      'fsopen',
      'move_mount',
      'swapon',
      'acct',
      'settimeofday',
      'reboot',
      'sethostname',
      'quotactl',
      'vhangup',
      'syslog',
    ])
      assert.is(say(plain, name), EPERM, name)
    assert.is(say(plain, 'chroot'), EPERM)
    assert.is(say(root, 'chroot'), ALLOW)
    assert.is(say(plain, 'clone3'), ENOSYS)
    for (const name of [
      'mount',
      'unshare',
      'clone3',
      'init_module',
      'settimeofday',
      'reboot',
      'syslog',
      'bpf',
      'open_by_handle_at',
    ])
      assert.is(say(all, name), ALLOW, name)
  })

  test(`arguments decide where only some are harmless (${machine})`, () => {
    assert.is(say(plain, 'clone', 0x11), ALLOW)
    for (const flag of [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000])
      assert.is(say(plain, 'clone', 0x11 | flag), EPERM, flag.toString(16))
    assert.is(say(all, 'clone', 0x10000000), ALLOW)
    // Debuggers and sanitizers ask for ADDR_NO_RANDOMIZE; the kernel looks at 32 bits.
    for (const value of [0, 8, 0x20000, 0x20008, 0x40000, 0x40008, 0x60008, 0xffffffff, 0x7_0004_0000n])
      assert.is(say(plain, 'personality', value), ALLOW, value.toString(16))
    for (const value of [0x0400000, 0x0440000, 0x100000, 0x1000000, 4, 0xfffffffe, 0x80000000])
      assert.is(say(plain, 'personality', value), EPERM, value.toString(16))
    for (const family of [1, 2, 10, 16, 17]) assert.is(say(plain, 'socket', family), ALLOW)
    for (const family of [40, 38, 3, 21, 30, 44]) assert.is(say(plain, 'socket', family), EAFNOSUPPORT)
    for (const request of [0x5412n, 0x541cn, 0x7_0000_5412n, 0xffffffff_0000541cn])
      assert.is(say(plain, 'ioctl', 0, request), EPERM, request.toString(16))
    assert.is(say(plain, 'ioctl', 0, 0x5401), ALLOW)
  })

  test(`calls of a newer kernel are not there, and those of another ABI end the process (${machine})`, () => {
    for (const number of [470, 500, 100000]) assert.is(say(plain, number), ENOSYS)
    assert.is(evaluate(plain, { machine: 0x40000003, number: 1, args: [] }), KILL_PROCESS)
    if (machine === 'x64')
      for (const number of [0x40000000, 0x40000001, 0xffffffff]) assert.is(say(plain, number), ENOSYS)
  })

  test(`compiled comparisons are those of numbers of 64 bits (${machine})`, () => {
    const values = [0n, 1n, 5n, 0xffffffffn, 0x100000000n, 0x100000001n, 0x5_00000005n, 0xffffffff_ffffffffn]
    const holds: Record<string, (a: bigint, b: bigint) => boolean> = {
      eq: (a, b) => a === b,
      ne: (a, b) => a !== b,
      lt: (a, b) => a < b,
      le: (a, b) => a <= b,
      gt: (a, b) => a > b,
      ge: (a, b) => a >= b,
    }
    for (const op of Object.keys(holds)) {
      for (const value of values) {
        for (const width of [undefined, 32] as const) {
          const condition: Condition = { arg: 3, op: op as Condition['op'], value, ...(width && { width }) }
          // Beside another condition, to test jumps over several conditions.
          const when = [condition, { arg: 1, op: 'eq' as const, value: 9n }]
          const filter = compile({
            machine,
            calls: new Map([
              [
                7,
                [
                  { when, action: ALLOW },
                  { when: [], action: errno(3) },
                ],
              ],
            ]),
            otherwise: EPERM,
            unknown: ENOSYS,
            highest: 400,
          })
          for (const given of values) {
            const [a, b] = width ? [BigInt.asUintN(32, given), BigInt.asUintN(32, value)] : [given, value]
            assert.is(
              decide(machine, filter, 7, 0, 9, 0, given),
              holds[op]?.(a, b) ? ALLOW : errno(3),
              `${given} ${op} ${value} ${width}`,
            )
            assert.is(decide(machine, filter, 7, 0, 8, 0, given), errno(3))
          }
        }
      }
    }
  })
}

test('a filter of many calls with conditions, and more actions than are in reach, says what its rules say', () => {
  const machine = 'x64'
  const [highest, step] = [220, 0x1_0000_0001n]
  const actions = Array.from({ length: 40 }, (_, i) => errno(50 + i))
  const at = (i: number) => actions[i % actions.length] ?? ALLOW
  const rulesOf = (number: number) => [
    {
      when: [
        { arg: number % 6, op: 'ge' as const, value: BigInt(number) * step },
        { arg: (number + 1) % 6, op: 'ne' as const, value: step },
      ],
      action: at(number),
    },
    { when: [{ arg: 0, op: 'masked' as const, value: 1n, mask: step }], action: at(number + 7) },
  ]
  // Every fifth call gets the default, and so does a neighbour of others.
  const calls = new Map(
    Array.from({ length: highest }, (_, number) => [number, rulesOf(number)] as const).filter(
      ([number]) => number % 5 !== 0,
    ),
  )
  const filter = compile({ machine, calls, otherwise: EPERM, unknown: ENOSYS, highest })
  assert.ok(filter.length / 8 > 2000, String(filter.length / 8))
  const expected = (number: number, args: readonly bigint[]): number => {
    if (number > highest) return ENOSYS
    const [first, second] = calls.get(number) ?? []
    if (first !== undefined && (args[number % 6] ?? 0n) >= BigInt(number) * step && args[(number + 1) % 6] !== step)
      return first.action
    return second !== undefined && ((args[0] ?? 0n) & step) === 1n ? second.action : EPERM
  }
  for (let number = 0; number <= highest + 2; number++) {
    for (const value of [0n, 1n, step, BigInt(number) * step, BigInt(number) * step + 1n, 2n ** 64n - 1n]) {
      for (const other of [step, 0n]) {
        const args = Array.from({ length: 6 }, (_, i) => (i === (number + 1) % 6 ? other : value))
        assert.is(decide(machine, filter, number, ...args), expected(number, args), `${number} ${value} ${other}`)
      }
    }
  }
})

test(
  'CVE-2021-41133: the kernel decides each call as the filter says',
  inTemp((dir) => {
    const root = busyboxRoot(join(dir, 'r'))
    copyFileSync(join(BIN, 'calls'), join(root, 'bin/calls'))
    // Refused calls return an error number that no call returns itself.
    const ODD = 133
    const plan = planOf(['--root', root, '/bin/calls', '480', String(ODD)])
    const held = (plan.process.capabilities ?? []) as never[]
    const machine = process.arch as Machine
    const filter = compile({ ...defaultFilter(machine, held), otherwise: errno(ODD), unknown: errno(ODD) })
    plan.process.seccomp = { from: 'test', filter: Buffer.from(filter).toString('base64') }
    const { status, stdout, stderr } = sidecar(plan, [], { timeout: 150000 })
    assert.is(status, 0, stderr)
    const names = SYSCALLS[machine] as Record<string, number>
    // 335 and 336 are for uprobes: from Linux 6.11 on the kernel asks no filter about them.
    const leftOut = [...['fork', 'vfork', 'sync'].map((name) => names[name]), 335, 336]
    const expected = Array.from({ length: 481 }, (_, number) => number).filter(
      (number) => !leftOut.includes(number) && decide(machine, filter, number, -1, -1, -1, -1, -1, -1) === errno(ODD),
    )
    assert.equal(
      stdout
        .trim()
        .split('\n')
        .map(Number)
        .filter((number) => !leftOut.includes(number)),
      expected,
    )
    assert.ok(expected.length > 60 && expected.length < 200, String(expected.length))
  }),
)

const GETPID_I386 = 20
/** On kernels without CONFIG_IA32_EMULATION int 0x80 is a general protection fault: it ends the process before any filter runs. */
const hostAnswers =
  process.arch === 'x64' &&
  execute(join(BIN, 'calls'), [String(GETPID_I386), 'i386'])
    .stdout.split('\n')
    .includes(`${GETPID_I386} 0`)
const onX64 = process.arch === 'x64' ? test : test.skip
const onI386 = hostAnswers ? test : test.skip
if (!hostAnswers) console.log('skipped: calls of i386: this kernel answers none')

onX64(
  'CVE-2021-41133: no call of x32 gets through the default filter (x86-64)',
  inTemp((dir) => {
    const root = busyboxRoot(join(dir, 'r'))
    copyFileSync(join(BIN, 'calls'), join(root, 'bin/calls'))
    const leftOut: number[] = [SYSCALLS.x64.fork, SYSCALLS.x64.vfork, SYSCALLS.x64.sync]
    assert.equal(
      nsbox(['--root', root, 'calls', '480', '38', 'x32'], { timeout: 100000 }).stdout.trim().split('\n').map(Number),
      Array.from({ length: 481 }, (_, number) => number).filter((number) => !leftOut.includes(number)),
    )
  }),
)

onI386(
  'CVE-2021-41133: the kernel decides each call of i386 as the filter says',
  inTemp((dir) => {
    const root = busyboxRoot(join(dir, 'r'))
    copyFileSync(join(BIN, 'calls'), join(root, 'bin/calls'))
    const plan = planOf(['--root', root, '/bin/calls', '480', String(ODD_I386), 'i386'])
    const filter = oddI386((plan.process.capabilities ?? []) as never[])
    plan.process.seccomp = { from: 'test', filter: Buffer.from(filter).toString('base64') }
    const { status, stdout, stderr } = sidecar(plan, [], { timeout: 150000 })
    assert.is(status, 0, stderr)
    assert.equal(stdout.trim().split('\n').map(Number), refusedI386(filter))
  }),
)

const I386_PROGRAM = join(BIN, 'i386/word')
onI386('a 32-bit program runs in a default box, and its old way to a socket is closed', () => {
  if (!existsSync(I386_PROGRAM)) throw new Error(`${I386_PROGRAM}: gcc -m32 makes no program here`)
  const { status, stdout } = nsbox([I386_PROGRAM])
  assert.equal([status, stdout], [7, 'runs\nsocket\nno socketcall\n'])
  for (const choice of ['none', 'socketcall'])
    assert.is(nsbox(['--seccomp', choice, I386_PROGRAM]).stdout, 'runs\nsocket\n', choice)
})

test('a filter without calls of i386 ends the process, and one with them judges no call of x86-64 by another way', () => {
  const [own, both] = [compile(defaultFilter('x64', [])), compile(defaultFilter('x64', [], { i386: true }))]
  for (let number = 0; number < 600; number++) {
    const call = { machine: AUDIT.x64, number, args: [0n, 0n, 0n, 0n, 0n, 0n] }
    assert.equal(trace(both, call), trace(own, call), String(number))
    assert.is(evaluate(own, { ...call, machine: AUDIT_I386 }), KILL_PROCESS)
    assert.is(evaluate(both, { ...call, machine: AUDIT.arm64 }), KILL_PROCESS)
  }
  // What the kernel has to load, and the plan to hold.
  assert.ok(both.length / 8 <= own.length / 8 + 50, String(both.length / 8))
})

test("the bits for calls of the machine's other ABI say what a search for them would say", () => {
  for (const [machine, audit] of [
    ['x64', AUDIT_I386],
    ['arm64', AUDIT_ARM],
  ] as const)
    for (const held of [[], [...OF_ROOT], ['sys_admin', 'sys_time']] as const)
      for (const change of [(filter: Filter) => filter, withFakeRoot]) {
        const filter = change(defaultFilter(machine, held, { i386: machine === 'x64' }))
        assert.ok(filter.compat)
        const [bits, searched] = [compile(filter), compile(filter.compat)]
        const numbers = [...Array.from({ length: 600 }, (_, number) => number), 0x40000000, 0x7fffffff, 0xffffffff]
        for (const number of numbers)
          for (const args of ARGUMENTS) {
            const call = { machine: audit, number, args }
            assert.is(evaluate(bits, call), evaluate(searched, call), `${number} ${args[0]}`)
          }
      }
})

test('--seccomp socketcall lets sockets be made by that call, and changes nothing else', () => {
  const [plain, open] = [false, true].map((socketcall) =>
    compile(defaultFilter('x64', [], { i386: true, socketcall })),
  ) as [Uint8Array, Uint8Array]
  for (const machine of [AUDIT.x64, AUDIT_I386])
    for (let number = 0; number < 600; number++)
      for (const args of ARGUMENTS) {
        const call = { machine, number, args }
        const isOpened = machine === AUDIT_I386 && number === SYSCALLS.i386.socketcall && args[0] === 1n
        assert.is(evaluate(open, call), isOpened ? ALLOW : evaluate(plain, call), `${number} ${args[0]}`)
      }
  const names = (...flags: string[]) =>
    (planOf([...flags, '--seccomp', 'socketcall', 'true']).process.seccomp as { from: string }).from
  assert.is(names(), 'default with socketcall')
  assert.is(names('--allow-userns'), 'default with user namespaces and socketcall')
  assert.is(names('--fake-root', '--map-root', '--userns'), 'default with socketcall and fake root')
  const said = nsbox(['explain', '--seccomp', 'socketcall', '--allow-userns', 'true']).stdout.replace(/\s+/g, ' ')
  assert.match(said, /Allow only ordinary system calls.*It allows namespaces.*It allows socketcall/)
})

test('calls of arm are judged as those of the same name on i386 or x86-64', () => {
  for (const held of [[], [...OF_ROOT], ['sys_admin'], ['sys_time'], ['sys_rawio']] as const) {
    const [arm, x64] = [compile(defaultFilter('arm64', held)), compile(defaultFilter('x64', held, { i386: true }))]
    for (const [name, number] of Object.entries(SYSCALLS.arm))
      for (const args of ARGUMENTS) {
        const verdict = evaluate(arm, { machine: AUDIT_ARM, number, args })
        const [i386, own]: Readonly<Record<string, number>>[] = [SYSCALLS.i386, SYSCALLS.x64]
        const like =
          i386?.[name] !== undefined
            ? { machine: AUDIT_I386, number: i386[name], args }
            : { machine: AUDIT.x64, number: own?.[name] ?? -1, args }
        const expected = like.number >= 0 ? evaluate(x64, like) : ALLOWED_ARM.includes(name) ? ALLOW : undefined
        // The kernel knows no other of arm's own calls.
        if (expected === undefined) assert.ok([EPERM, ENOSYS].includes(verdict), name)
        else assert.is(verdict, expected, `${name} ${args[0]}`)
      }
    for (const number of [470, 500, 0xf0000, 0xf0007, 0x40000000, 0xffffffff])
      assert.is(evaluate(arm, { machine: AUDIT_ARM, number, args: [] }), ENOSYS)
    assert.is(evaluate(arm, { machine: AUDIT_I386, number: 1, args: [] }), KILL_PROCESS)
  }
})

test('calls of i386 are let through only where x86-64 lets the like of them through', () => {
  for (const held of [[], [...OF_ROOT], ['sys_admin'], ['sys_time'], ['sys_rawio']] as const)
    for (const userNamespaces of [false, true]) {
      const filter = compile(defaultFilter('x64', held, { userNamespaces, i386: true }))
      const x64: Readonly<Record<string, number>> = SYSCALLS.x64
      for (const [name, number] of Object.entries(SYSCALLS.i386))
        for (const args of ARGUMENTS) {
          const verdict = evaluate(filter, { machine: AUDIT_I386, number, args })
          if (verdict !== ALLOW) continue
          const short = name.replace(/(_time)?64$|32$/, '').replace(/^_newselect$/, 'select')
          const like = LIKE_I386[name] ?? (name in x64 ? name : short)
          if (ONLY_I386.includes(name)) continue
          assert.ok(x64[like] !== undefined, `${name}: x86-64 has nothing like it`)
          assert.is(evaluate(filter, { machine: AUDIT.x64, number: x64[like] ?? 0, args }), ALLOW, `${name} ${args[0]}`)
        }
    }
})

test('calls of i386 that lead out of a box are refused (i386)', () => {
  const filter = compile(defaultFilter('x64', [], { i386: true }))
  const say = (name: keyof typeof SYSCALLS.i386, ...args: number[]) =>
    evaluate(filter, {
      machine: AUDIT_I386,
      number: SYSCALLS.i386[name],
      args: [...args, 0, 0, 0, 0, 0, 0].slice(0, 6).map(BigInt),
    })
  for (const name of REFUSED) assert.is(say(name), EPERM, name)
  assert.is(say('clone3'), ENOSYS)
  for (const flag of [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000])
    assert.is(say('clone', 0x11 | flag), EPERM, flag.toString(16))
  assert.is(say('clone', 0x11), ALLOW)
  for (const request of [0x5412, 0x541c]) assert.is(say('ioctl', 0, request), EPERM)
  for (const family of [40, 38, 3, 21, 30, 44]) assert.is(say('socket', family), EAFNOSUPPORT)
  assert.is(say('socketcall', 1), ENOSYS)
  for (const call of [2, 3, 8, 17, 20]) assert.is(say('socketcall', call), ALLOW)
  for (const value of [0x0400000, 4, 0xfffffffe]) assert.is(say('personality', value), EPERM)
  for (const number of [470, 500, 0x40000000, 0xffffffff])
    assert.is(evaluate(filter, { machine: AUDIT_I386, number, args: [] }), ENOSYS)
})

test('a command has the filter by default, and no filter with --seccomp none', () => {
  // Process 1 loads its filter after the command's start, so the test waits for that, for a limited time.
  const script =
    'i=0; while [ $i -lt 300 ] && grep -q "^Seccomp:.0" /proc/1/status; do i=$((i+1)); done; cat /proc/self/status /proc/1/status | grep "^Seccomp:" | tr -d "\\n"'
  const modes = (...flags: string[]) => nsbox([...flags, 'sh', '-c', script]).stdout
  assert.is(modes(), 'Seccomp:\t2Seccomp:\t2')
  assert.is(modes('--no-init'), 'Seccomp:\t2Seccomp:\t2')
  assert.is(modes('--seccomp', 'none'), 'Seccomp:\t0Seccomp:\t0')
  assert.is(modes('--allow-new-privs', ...(asRoot ? ['--cap-add', 'sys_admin'] : [])), 'Seccomp:\t2Seccomp:\t2')
})

test('--privileged takes all protections off, and says so', () => {
  const { stdout, stderr } = nsbox(['--privileged', 'grep', '-E', '^(Seccomp|NoNewPrivs|CapEff):', '/proc/self/status'])
  const own = execute('grep', ['^CapEff:', '/proc/self/status']).stdout
  assert.is(stdout, `${own}NoNewPrivs:\t0\nSeccomp:\t0\n`)
  assert.match(stderr, /^nsbox: warning: --privileged: [^\n]*\n$/)
  assert.is(nsbox(['--privileged', '--quiet', 'true']).stderr, '')
})

test('setuid programs, signals and threads work under the filter as without', () => {
  const script =
    'import threading, multiprocessing, subprocess, os; t = threading.Thread(target=print, args=("thread",)); t.start(); t.join(); print(subprocess.check_output(["echo", "child"]).decode(), end="")'
  const python = execute('sh', ['-c', 'command -v python3']).stdout.trim()
  if (python !== '') assert.is(execute(NSBOX, ['python3', '-c', script]).stdout, 'thread\nchild\n')
  assert.is(
    nsbox(['bash', '-c', 'trap "echo got" USR1; kill -USR1 $$; (exit 3); echo $?; echo a | cat']).stdout,
    'got\n3\na\n',
  )
})

test.run()
