/** The runner itself: what a test, or a box in one, leaves on the machine is found. */
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { traces } from '../../scripts/traces.ts'
import { asRoot, execute, inTemp, NSBOX } from '../helpers/nsbox.ts'

const RUN = Number(process.env.NSBOX_TEST_RUN ?? 0)
const added = (before: Set<string>, after: Set<string>): string[] => [...after].filter((trace) => !before.has(trace))

test('a file or directory that is left where nothing belongs is found', inTemp((dir) => {
  const before = traces(RUN, [dir])
  writeFileSync(join(dir, 'a'), '')
  mkdirSync(join(dir, '.b'))
  assert.equal(added(before, traces(RUN, [dir])).filter((trace) => trace.startsWith('file ')).sort(), [`file ${dir}/.b`, `file ${dir}/a`])
}))

test('the root directory of the machine is watched', () => {
  for (const name of ['/proc', '/dev/null']) assert.ok(traces(RUN).has(`file ${name}`), name)
})

test('a box that goes on is found, and one of another run is not', async () => {
  const box = spawn(NSBOX, ['sh', '-c', 'echo in; exec sleep 100'], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NSBOX_TEST_RUN: '1' } })
  try {
    await new Promise((done) => box.stdout.once('data', done))
    assert.ok(traces(1).has(`process ${box.pid} nsbox`))
    assert.not.ok(traces(2).has(`process ${box.pid} nsbox`))
  } finally {
    box.kill('SIGKILL')
    await new Promise((done) => box.once('close', done))
  }
})

const onlyRoot = asRoot ? test : test.skip
onlyRoot('a mount that is left is found (only root may mount)', inTemp((dir) => {
  const before = traces(RUN)
  assert.is(execute('mount', ['-t', 'tmpfs', 'left', dir]).status, 0)
  try {
    assert.equal(added(before, traces(RUN)).filter((trace) => trace.startsWith('mount ')), [`mount / ${dir}`])
  } finally {
    execute('umount', [dir])
  }
}))

test.run()
