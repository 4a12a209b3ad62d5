/**
 * A root that another user can write to while a build updates it: nothing outside of it may be made, changed or
 * removed.
 */
import { spawn, spawnSync } from 'node:child_process'
import {
  copyFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { BIN, NSBOX, nsbox, treeOf } from '../helpers/nsbox.ts'
import { build, inTemp, refusal } from './helpers.ts'

const METHODS = ['copy', 'hardlink', 'reflink'] as const
/** The most builds under one swapping process. */
const BUILDS = 400

/** A static program of the host three directories below DIR, and a root that was built of it before. */
function hostAndRoot(dir: string): { tool: string; root: string; outside: string } {
  const tool = join(dir, 'host/a/b/tool')
  mkdirSync(dirname(tool), { recursive: true })
  copyFileSync(join(BIN, 'flip'), tool)
  const root = join(dir, 'root')
  build(root, tool)
  // Files outside have the names that a build makes, and removes if it fails.
  const outside = join(dir, 'outside')
  for (const name of ['', 'a', 'a/b', 'b', ...below(dir)]) mkdirSync(join(outside, name), { recursive: true })
  for (const name of ['', 'a/b', 'b', `${dir.slice(1)}/host/a/b`]) {
    mkdirSync(join(outside, name), { recursive: true })
    for (const file of ['tool', 'undone']) writeFileSync(join(outside, name, file), 'outside')
  }
  return { tool, root, outside }
}

const below = (path: string): string[] =>
  path
    .slice(1)
    .split('/')
    .map((_, n, names) => names.slice(0, n + 1).join('/'))

/** The files that are swapped with a link, and the link's target. */
const SWAPPED: Record<string, (at: { tool: string; root: string; outside: string }) => [name: string, to: string]> = {
  'DIR itself': ({ root, outside }) => [root, outside],
  'the first directory': ({ root, tool, outside }) => [
    `${root}/${tool.split('/')[1]}`,
    `${outside}/${tool.split('/')[1]}`,
  ],
  'a directory in the middle': ({ root, tool, outside }) => [root + dirname(dirname(tool)), `${outside}/a`],
  'the last directory': ({ root, tool, outside }) => [root + dirname(tool), `${outside}/a/b`],
  'the file': ({ root, tool, outside }) => [root + tool, `${outside}/tool`],
}

for (const by of METHODS) {
  for (const [what, swapped] of Object.entries(SWAPPED)) {
    test(
      `swapping ${what} with a link to the outside while a root is built gets nothing written there (${by})`,
      inTemp(async (dir) => {
        const at = hostAndRoot(dir)
        const [name, to] = swapped(at)
        symlinkSync(to, `${dir}/link`)
        const link = name === at.root ? `${dir}/link` : `${name}.link`
        if (link !== `${dir}/link`) renameSync(`${dir}/link`, link)
        const before = treeOf(at.outside)
        const flip = spawn(join(BIN, 'flip'), [name, link], { stdio: 'ignore' })
        await once(flip, 'spawn')
        const seen = { built: 0, refused: 0 }
        // New in each build, which removes it again if it fails.
        const second = join(dir, 'host/a/b/undone')
        for (let n = 0; n < BUILDS && (n < 25 || seen.built === 0 || seen.refused === 0); n++) {
          copyFileSync(join(BIN, 'flip'), second)
          try {
            build('--by', by, at.root, second, at.tool)
            seen.built++
          } catch (error) {
            seen.refused++
            assert.match((error as Error).message, /^rootfs: [^\n]+$/)
          }
          rmSync(second)
          // The new file may have replaced the link.
          if ([name, link].every((path) => !lstatSync(path).isSymbolicLink() && lstatSync(path).isFile())) {
            symlinkSync(to, `${link}.new`)
            renameSync(`${link}.new`, link)
          }
          assert.equal(treeOf(at.outside), before)
        }
        assert.is(flip.exitCode, null, 'it swapped to the end')
        flip.kill('SIGKILL')
        await once(flip, 'exit')
        // Otherwise nothing was tried. How many builds met no link is chance, so another one meets none.
        assert.ok(seen.refused > 0, JSON.stringify(seen))
        if (lstatSync(name).isSymbolicLink()) {
          rmSync(name)
          if (lstatSync(link).isDirectory()) renameSync(link, name)
        }
        copyFileSync(join(BIN, 'flip'), second)
        // A reflink needs a file system that has them.
        if (by !== 'reflink') build('--by', by, at.root, second, at.tool)
      }),
    )
  }
}

test(
  'anything in DIR at the name of a file is replaced or refused, and never written to',
  inTemp((dir) => {
    for (const by of METHODS.slice(0, 2)) {
      const { tool, root, outside } = hostAndRoot(join(dir, by))
      const place = root + tool
      const secret = join(dir, `${by}-file`)
      writeFileSync(secret, 'secret', { mode: 0o600 })
      rmSync(place)
      linkSync(secret, place)
      build('--by', by, root, tool)
      assert.equal(
        [readFileSync(secret, 'utf8'), statSync(secret).mode & 0o777, statSync(secret).nlink],
        ['secret', 0o600, 1],
      )
      assert.equal(readFileSync(place), readFileSync(tool))
      for (const make of [
        () => spawnSync('mkfifo', [place]),
        () => mkdirSync(place),
        () => symlinkSync(join(outside, 'tool'), place),
        () => symlinkSync(join(outside, 'new'), place),
      ]) {
        rmSync(place, { recursive: true, force: true })
        make()
        const before = treeOf(dir)
        assert.match(
          refusal(() => build('--by', by, root, tool)),
          /^SandboxError: rootfs: something else is in the way/,
        )
        assert.equal(treeOf(dir), before)
      }
    }
  }),
)

test(
  'a DIR that is a link is refused, whatever it leads to, with the way out',
  inTemp((dir) => {
    mkdirSync(join(dir, 'real'))
    symlinkSync('real', join(dir, 'link'))
    symlinkSync('nowhere', join(dir, 'dangling'))
    for (const name of ['link', 'link/', 'link//', 'dangling', 'dangling/']) {
      const { status, stderr } = nsbox(['rootfs', 'build', join(dir, name), 'true'])
      assert.is(status, 125)
      assert.match(stderr, /^nsbox: rootfs: is a symbolic link: [^\n]+\nhint: name the directory that it leads to\n$/)
    }
    // Links above DIR are the caller's own.
    build(join(dir, 'link/new/root'), join(BIN, 'flip'))
    assert.match(
      refusal(() => build(join(dir, 'dangling/root'), join(BIN, 'flip'))),
      /^SandboxError: rootfs: cannot make the directory/,
    )
    assert.equal(
      treeOf(dir).filter((line) => line.startsWith('nowhere')),
      [],
    )
  }),
)

test("no root is built over the host's own by another name", () => {
  for (const name of ['/', '//', '/.', '/usr/..', '/proc/self/root/', '/proc/self/root/.', '/proc/1/root/.']) {
    const { status, stderr } = nsbox(['rootfs', 'build', name, 'true'])
    assert.is(status, 125, name)
    assert.match(stderr, /over the host's own|is a symbolic link|cannot make the directory/, name)
  }
})

test(
  'without the descriptors of /proc nothing is built, and the message says so',
  inTemp((dir) => {
    const hidden = spawnSync(
      'unshare',
      ['-rm', 'sh', '-c', 'mount -t tmpfs tmpfs /proc && exec "$0" rootfs build "$1" true', NSBOX, `${dir}/root`],
      { encoding: 'utf8' },
    )
    assert.equal(
      [hidden.status, hidden.stderr],
      [125, 'nsbox: rootfs: shows no open files of this process: /proc/self/fd\nhint: mount -t proc proc /proc\n'],
    )
    assert.equal(treeOf(dir), [])
  }),
)

test.run()
