/** The filter of --fake-root: what it answers, what it leaves to the kernel, and what it still refuses. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { OF_ROOT } from '../../src/planner/capabilities.ts'
import { compile } from '../../src/seccomp/bpf.ts'
import { ALLOW, errno, KILL_PROCESS, LOG, type Filter, type Machine } from '../../src/seccomp/filter.ts'
import { defaultFilter } from '../../src/seccomp/default.ts'
import { withFakeRoot } from '../../src/seccomp/fake-root.ts'
import { SYSCALLS } from '../../src/seccomp/syscalls.ts'
import { inTemp, planOf } from '../helpers/nsbox.ts'
import { evaluate } from './interpreter.ts'

const AUDIT = { x64: 0xc000003e, arm64: 0xc00000b7 }
const [SUCCESS, EPERM, ENOSYS] = [errno(0), errno(1), errno(38)]
const IDS = ['setgid', 'setuid', 'setregid', 'setreuid', 'setresgid', 'setresuid', 'setfsgid', 'setfsuid', 'setgroups']
const OWNERS = ['chown', 'fchown', 'lchown', 'fchownat']
const [REGULAR, CHARACTER, BLOCK, FIFO, SOCKET] = [0o100644, 0o020666, 0o060660, 0o010644, 0o140755]

for (const machine of ['x64', 'arm64'] as const) {
  const numbers: Readonly<Record<string, number>> = SYSCALLS[machine]
  const verdict = (filter: Uint8Array, name: string, ...args: (number | bigint)[]): number =>
    evaluate(filter, {
      machine: AUDIT[machine],
      number: numbers[name] as number,
      args: [...args, 0, 0, 0, 0, 0, 0].slice(0, 6).map(BigInt),
    })
  const plain = defaultFilter(machine, [...OF_ROOT])
  const faked = compile(withFakeRoot(plain))
  const has = (name: string) => numbers[name] !== undefined

  test(`changes of owners and ids succeed, whatever they ask for (${machine})`, () => {
    for (const name of [...IDS, ...OWNERS].filter(has))
      for (const args of [[], [0, 0], [-1, -1, -1, -1], [5000, 0xffffffffffffffffn]])
        assert.is(verdict(faked, name, ...args.map((arg) => BigInt.asUintN(64, BigInt(arg)))), SUCCESS, name)
    assert.is([...IDS, ...OWNERS].filter(has).length, machine === 'x64' ? 13 : 11)
  })

  test(`device nodes are answered; files, FIFOs, sockets and whiteouts are made (${machine})`, () => {
    for (const [name, before] of [
      ['mknod', [0]],
      ['mknodat', [0, 0]],
    ] as const) {
      if (!has(name)) continue
      const made = (mode: number | bigint, device: number | bigint) => verdict(faked, name, ...before, mode, device)
      for (const device of [0x103, 1, 0xffffffff]) {
        assert.is(made(CHARACTER, device), SUCCESS)
        assert.is(made(BLOCK, device), SUCCESS)
        for (const mode of [REGULAR, FIFO, SOCKET, 0o644]) assert.is(made(mode, device), ALLOW, mode.toString(8))
      }
      assert.is(made(CHARACTER, 0), ALLOW)
      assert.is(made(BLOCK, 0), SUCCESS)
      // The kernel looks at 16 bits of the mode and 32 of the device.
      assert.is(made(0xffffffff_00000000n | BigInt(CHARACTER), 0x103), SUCCESS)
      assert.is(made(CHARACTER, 0xffffffff_00000000n), ALLOW)
    }
  })

  test(`all else is decided as before (${machine})`, () => {
    const changed = new Set([...IDS, ...OWNERS, 'mknod', 'mknodat'])
    const before = compile(plain)
    for (const name of Object.keys(numbers).filter((one) => !changed.has(one)))
      for (const args of [[], [-1, -1, -1, -1, -1, -1], [1, 0x5412], [17, 2]].map((list) =>
        list.map((arg) => BigInt.asUintN(64, BigInt(arg))),
      ))
        assert.is(verdict(faked, name, ...args), verdict(before, name, ...args), name)
    assert.is(verdict(faked, 'mount'), EPERM)
    assert.is(verdict(faked, 'capset'), ALLOW)
    assert.is(evaluate(faked, { machine: 0x40000003, number: 182, args: [] }), KILL_PROCESS)
    if (machine === 'x64')
      assert.is(evaluate(faked, { machine: AUDIT.x64, number: 0x40000000 + SYSCALLS.x64.chown, args: [] }), ENOSYS)
  })

  test(`what a filter refuses stays refused (${machine})`, () => {
    const calls: Filter['calls'] = new Map([
      [numbers.fchown as number, [{ when: [], action: EPERM }]],
      [numbers.setuid as number, [{ when: [], action: KILL_PROCESS }]],
      [numbers.setgid as number, [{ when: [], action: LOG }]],
      [
        numbers.setresuid as number,
        [
          { when: [{ arg: 0, op: 'eq', value: 7n }], action: errno(13) },
          { when: [], action: ALLOW },
        ],
      ],
      [numbers.mknodat as number, [{ when: [], action: EPERM }]],
    ])
    const open = compile(withFakeRoot({ machine, calls, otherwise: ALLOW, unknown: ALLOW, highest: 460 }))
    assert.is(verdict(open, 'fchown'), EPERM)
    assert.is(verdict(open, 'setuid'), KILL_PROCESS)
    assert.is(verdict(open, 'setgid'), SUCCESS)
    assert.is(verdict(open, 'setresuid', 7), errno(13))
    assert.is(verdict(open, 'setresuid', 8), SUCCESS)
    assert.is(verdict(open, 'mknodat', 0, 0, CHARACTER, 5), EPERM)
    assert.is(verdict(open, 'fchownat'), SUCCESS)
    assert.is(verdict(open, 'read'), ALLOW)
    const closed = compile(withFakeRoot({ machine, calls: new Map(), otherwise: EPERM, unknown: ENOSYS, highest: 460 }))
    for (const name of [...IDS, ...OWNERS, 'mknodat'].filter(has)) assert.is(verdict(closed, name), EPERM, name)
  })
}

test(
  'it goes with a profile and with --allow-userns, and the plan says so',
  inTemp((dir) => {
    const profile = join(dir, 'profile.json')
    writeFileSync(
      profile,
      JSON.stringify({
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['fchown'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 }],
      }),
    )
    const machine = process.arch as Machine
    const of = (...flags: string[]) => {
      const { from, filter } = planOf(['--map-root', '--fake-root', ...flags, 'true']).process.seccomp as Record<
        string,
        string
      >
      const bytes = Buffer.from(filter as string, 'base64')
      const say = (name: 'fchown' | 'fchownat') =>
        evaluate(bytes, { machine: AUDIT[machine], number: SYSCALLS[machine][name], args: [0n, 0n, 0n, 0n, 0n, 0n] })
      return [from, say('fchown'), say('fchownat')]
    }
    assert.equal(of(), ['default with fake root', SUCCESS, SUCCESS])
    assert.equal(of('--allow-userns'), ['default with user namespaces and fake root', SUCCESS, SUCCESS])
    assert.equal(of('--seccomp', profile), [`${profile} with fake root`, errno(28), SUCCESS])
  }),
)

test.run()
