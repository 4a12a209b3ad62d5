/** The runner itself: it finds what a test, or a box in one, leaves on the machine. */
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { traces } from '../../scripts/traces.ts'
import { asRoot, execute, inTemp, NSBOX } from '../helpers/nsbox.ts'

const RUN = Number(process.env.NSBOX_TEST_RUN ?? 0)
const added = (before: Set<string>, after: Set<string>): string[] => [...after].filter((trace) => !before.has(trace))

test(
  'a file or directory that is left where nothing belongs is found',
  inTemp((dir) => {
    const before = traces(RUN, [dir])
    writeFileSync(join(dir, 'a'), '')
    mkdirSync(join(dir, '.b'))
    assert.equal(
      added(before, traces(RUN, [dir]))
        .filter((trace) => trace.startsWith('file '))
        .sort(),
      [`file ${dir}/.b`, `file ${dir}/a`],
    )
  }),
)

test('the root directory of the machine is watched', () => {
  for (const name of ['/proc', '/dev/null']) assert.ok(traces(RUN).has(`file ${name}`), name)
})

/** Runs the body while a box goes on that PROGRAM has started, once the box or PROGRAM has printed a process number. */
async function whileBoxRuns(
  program: string,
  args: readonly string[],
  run: string | undefined,
  look: (pid: string) => void,
): Promise<void> {
  const { NSBOX_TEST_RUN: _, ...env } = process.env
  const box = spawn(program, args, {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...env, ...(run !== undefined && { NSBOX_TEST_RUN: run }) },
  })
  try {
    let said = ''
    for await (const data of box.stdout) if (/in\n/.test((said += data))) break
    look(/^(\d+)\n/m.exec(said)?.[1] ?? String(box.pid))
  } finally {
    try {
      process.kill(-(box.pid ?? 0), 'SIGKILL')
    } catch {
      // The process has ended.
    }
  }
}

const BOX = ['sh', '-c', 'echo in; exec sleep 100']

test('a box that goes on is found, and one of another run is not', () =>
  whileBoxRuns(NSBOX, BOX, '1', (pid) => {
    assert.ok(
      [...traces(1)].some((trace) => trace.startsWith(`process ${pid} `)),
      pid,
    )
    assert.not.ok(
      [...traces(2)].some((trace) => trace.startsWith(`process ${pid} `)),
      pid,
    )
  }))

test('a box without the run in its environment is found once the process that started it is gone', async () => {
  const found = (pid: string) => [...traces(1)].some((trace) => trace.startsWith(`process ${pid} `))
  await whileBoxRuns(NSBOX, BOX, undefined, (pid) => assert.not.ok(found(pid)))
  await whileBoxRuns('sh', ['-c', '"$0" "$@" & echo $!', NSBOX, ...BOX], undefined, (pid) => {
    for (const end = Date.now() + 10000; !found(pid) && Date.now() < end;) Bun.sleepSync(20)
    assert.ok(found(pid), pid)
  })
})

const onlyRoot = asRoot ? test : test.skip
onlyRoot(
  'a mount that is left is found (only root may mount)',
  inTemp((dir) => {
    const before = traces(RUN)
    assert.is(execute('mount', ['-t', 'tmpfs', 'left', dir]).status, 0)
    try {
      assert.equal(
        added(before, traces(RUN)).filter((trace) => trace.startsWith('mount ')),
        [`mount / ${dir}`],
      )
    } finally {
      execute('umount', [dir])
    }
  }),
)

test.run()
