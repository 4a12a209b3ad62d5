#!/usr/bin/env node
// Runs every *.test.mjs of a directory in a box of its own, as many at once as there are processors. Each test has its own /tmp, its
// own network (so that all can listen on the same port) and its own processes, and can't change the others' files.
//
//   node examples/test-runner.mjs [DIR]           guide: docs/guides/test-runner.md
import { readdir } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { basename, resolve } from 'node:path'
import { box } from 'nsbox'

const directory = resolve(process.argv[2] ?? new URL('tests', import.meta.url).pathname)
const files = (await readdir(directory)).filter((name) => name.endsWith('.test.mjs')).sort()

const sandbox = box({
  ro: true,
  net: 'none',
  mounts: [
    { type: 'tmpfs', target: '/tmp' },
    { type: 'bind', source: process.execPath, target: `/tmp/${basename(process.execPath)}`, readonly: true },
    { type: 'bind', source: directory, target: '/tmp/tests', readonly: true },
  ],
  cwd: '/tmp',
})

let failed = 0
async function worker() {
  for (let name = files.shift(); name !== undefined; name = files.shift()) {
    const { exitCode, timedOut, stdout, stderr, usage } = await sandbox.run([`/tmp/${basename(process.execPath)}`, `/tmp/tests/${name}`], { timeout: 60_000 })
    if (exitCode === 0) {
      console.log(`ok ${name} (${Math.round((usage?.maxRss ?? 0) / 2 ** 20)} MiB)`)
    } else {
      failed++
      console.log(`not ok ${name}: ${timedOut ? 'took too long' : `status ${exitCode}`}\n${(stdout + stderr).replace(/^/gm, '  ')}`)
    }
  }
}
const count = files.length
await Promise.all(Array.from({ length: availableParallelism() }, worker))
console.log(`${count - failed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0
