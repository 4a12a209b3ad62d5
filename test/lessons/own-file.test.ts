/** Known failures of such tools: boxes that overwrite the program that started them. Each test is named by its lesson. */
// seconds: 200
import {
  copyFileSync,
  existsSync,
  lstatSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { box } from '../../src/index.ts'
import { BIN, busyboxRoot, inTemp, nsbox, NSBOX, SIDECAR } from '../helpers/nsbox.ts'

/** Runs a box that has the program's own file, which must be unchanged afterwards. */
function attacked(
  dir: string,
  flags: readonly string[],
  milliseconds: number,
  baked: boolean,
): { before: string; after: string; held: string } {
  const copy = join(dir, 'nsbox-sidecar')
  const file = join(dir, 'plan.json')
  rmSync(copy, { force: true })
  if (baked) nsbox(['bake', '-o', copy, ...flags, '--quiet', join(BIN, 'rewrite'), String(milliseconds)])
  else writeFileSync(copy, readFileSync(SIDECAR), { mode: 0o755 })
  const which = [lstatSync(copy).dev, lstatSync(copy).ino].map(String)
  const hash = () => String(Bun.hash(readFileSync(copy)))
  const before = hash()
  if (!baked)
    writeFileSync(
      file,
      nsbox(['plan', ...flags, '--quiet', join(BIN, 'rewrite'), String(milliseconds), ...which]).stdout,
    )
  const { stdout } = Bun.spawnSync(baked ? [copy, ...which] : [copy, '--plan', file])
  Bun.sleepSync(milliseconds + 100)
  return { before, after: hash(), held: stdout.toString().trim() }
}

test(
  'CVE-2019-5736: a box cannot overwrite the program that started it, neither while it runs nor afterwards',
  inTemp((dir) => {
    // Root may look at every process that it sees here.
    const mighty =
      process.getuid?.() === 0
        ? [
            ['--cap-add', 'sys_ptrace'],
            ['--cap-add', 'all', '--bind', '/proc'],
            ['--privileged'],
            ['--privileged', '--share', 'pid'],
          ]
        : []
    for (const flags of [[], ['--no-init'], ['--share', 'pid'], ['--map-root'], ['--userns'], ...mighty]) {
      for (const baked of [false, true]) {
        const { before, after, held } = attacked(dir, flags, 150, baked)
        assert.match(held, /^\d+$/, flags.join(' '))
        assert.is(after, before, flags.join(' '))
      }
    }
  }),
)

test(
  'CVE-2019-5736: the default box of the library gets no descriptor of its sidecar, though that is no sealed copy',
  inTemp(async () => {
    const { dev, ino } = lstatSync(SIDECAR)
    const before = Bun.hash(readFileSync(SIDECAR))
    for (const options of [{}, { noInit: true }, { userns: true }, { mapRoot: true }]) {
      const { stdout, stderr } = await box({ ...options, cwd: '/' }).run([
        join(BIN, 'rewrite'),
        '0',
        `${dev}`,
        `${ino}`,
      ])
      assert.equal([stdout.trim(), stderr], ['0', ''], JSON.stringify(options))
    }
    assert.is(Bun.hash(readFileSync(SIDECAR)), before)
  }),
)

const onlyRoot = process.getuid?.() === 0 ? test : test.skip
onlyRoot(
  'CVE-2019-5736: the test can fail: another program, on whose process a box has all privileges, is overwritten (needs root)',
  inTemp(async (dir) => {
    const copy = join(dir, 'busybox')
    copyFileSync('/bin/busybox', copy)
    const other = Bun.spawn([copy, 'sleep', '0.2'])
    const which = [lstatSync(copy).dev, lstatSync(copy).ino].map(String)
    const { stdout } = nsbox(['--privileged', '--quiet', '--share', 'pid', join(BIN, 'rewrite'), '600', ...which])
    await other.exited
    assert.is(stdout, '1\n')
    for (let tries = 0; tries < 500 && !readFileSync(copy).subarray(0, 11).equals(Buffer.from('overwritten')); tries++)
      await Bun.sleep(10)
    assert.is(readFileSync(copy).subarray(0, 11).toString(), 'overwritten')
  }),
)

test(
  'CVE-2019-5736: a root whose programs are links or scripts that lead to the one that runs gains nothing',
  inTemp((dir) => {
    const root = busyboxRoot(join(dir, 'r'))
    const baked = join(dir, 'baked')
    symlinkSync('/proc/self/exe', join(root, 'bin/bash'))
    writeFileSync(join(root, 'bin/script'), '#!/proc/self/exe --plan\n{}\n', { mode: 0o755 })
    writeFileSync(join(root, 'bin/second'), '#!/proc/1/exe\n', { mode: 0o755 })
    for (const command of [['bash', '-c', 'true'], ['script'], ['second'], ['/proc/self/exe', '--version']]) {
      rmSync(baked, { force: true })
      assert.is(nsbox(['bake', '-o', baked, '--root', root, ...command]).status, 0)
      const before = String(Bun.hash(readFileSync(baked)))
      const { exitCode } = Bun.spawnSync([baked], { stdout: 'ignore', stderr: 'ignore' })
      assert.is.not(exitCode, null)
      assert.is(String(Bun.hash(readFileSync(baked))), before)
    }
    renameSync(baked, join(dir, 'moved'))
    assert.ok(existsSync(NSBOX))
  }),
)

test.run()
