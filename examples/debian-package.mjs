#!/usr/bin/env node
// Builds a Debian package in a Debian root, installs it there and tries it: many commands in one open box, which doesn't change the
// root itself. To make a root: debootstrap --variant=minbase stable ./debian
//
//   node examples/debian-package.mjs ROOT [OUT]   guide: docs/guides/debian-package.md
import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { box } from 'nsbox'

const [root, out = 'hello-box_1.0_all.deb'] = process.argv.slice(2)
if (root === undefined) throw new Error('usage: debian-package.mjs ROOT [OUT]')

const debian = box({
  root,
  overlay: true, // the commands' changes go to memory, and vanish with the box
  tmpfs: '/tmp',
  net: 'none',
  hostname: 'debian',
  mapRoot: process.getuid() !== 0, // dpkg has to be root, and is, in the box alone
  clearEnv: true,
  env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
})

const CONTROL = `Package: hello-box
Version: 1.0
Architecture: all
Maintainer: nobody <nobody@example.org>
Description: says where it is
`
const PROGRAM = '#!/bin/sh\necho "hello from $(hostname), as installed by dpkg"\n'

// From Node.js 24 on, and in TypeScript: await using live = await debian.open()
const live = await debian.open()
try {
  await must('mkdir', '-p', '/tmp/pkg/DEBIAN', '/tmp/pkg/usr/bin')
  await put('/tmp/pkg/DEBIAN/control', CONTROL)
  await put('/tmp/pkg/usr/bin/hello-box', PROGRAM)
  await must('chmod', '755', '/tmp/pkg/usr/bin/hello-box')
  await must('dpkg-deb', '--root-owner-group', '--build', '/tmp/pkg', '/tmp/hello-box.deb')
  await must('dpkg', '--install', '/tmp/hello-box.deb')
  process.stdout.write(await must('hello-box'))
  process.stdout.write(await must('dpkg-query', '--show', 'hello-box'))
  const { stdout } = await live.run(['cat', '/tmp/hello-box.deb'], { encoding: 'buffer' })
  await writeFile(out, stdout)
  console.log(`written: ${resolve(out)}`)
} finally {
  await live.close()
}

/** Returns the command's output; a failing command ends the build. */
async function must(...argv) {
  const { exitCode, stdout, stderr } = await live.run(argv)
  if (exitCode !== 0) throw new Error(`${argv.join(' ')}: status ${exitCode}\n${stderr}`)
  return stdout
}

async function put(path, text) {
  const { exitCode, stderr } = await live.run(['sh', '-c', 'cat > "$0"', path], { input: text })
  if (exitCode !== 0) throw new Error(stderr)
}
