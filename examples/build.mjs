#!/usr/bin/env node
// A zx build script whose build step has no network, sees the machine read-only, and can write to one directory.
//
//   node examples/build.mjs [SOURCE [OUT]]        guide: docs/guides/build.md
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { $ } from 'zx'
import { box } from 'nsbox'

const source = resolve(process.argv[2] ?? new URL('hello', import.meta.url).pathname)
const out = resolve(process.argv[3] ?? 'out')
await mkdir(out, { recursive: true })

const build = box({
  ro: true, // the step can read the compiler and its headers, and change nothing
  net: 'none', // nobody has looked at what a build step would download
  hostname: 'build', // the same on every machine
  env: { SOURCE_DATE_EPOCH: '0' },
  cwd: source,
  // Mounted in this order, so the last one may lie in the first.
  mounts: [
    { type: 'tmpfs', target: '/tmp' },
    { type: 'bind', source, readonly: true },
    { type: 'bind', source: out },
  ],
})
const boxed = $({ spawn: build.spawn, verbose: true })

await boxed`make OUT=${out}`
// The box has no network but its own loopback:
await boxed`tail -n +3 /proc/net/dev | cut -d: -f1`
// Back on the machine:
await $({ verbose: true })`${join(out, 'hello')}`
