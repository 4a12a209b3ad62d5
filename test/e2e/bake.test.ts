/** A box as a program: it starts without the front end, and takes arguments. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  busyboxRoot,
  execute,
  failure,
  inTemp,
  nsbox,
  planOf,
  SIDECAR,
  sidecar,
  speakingBox,
} from '../helpers/nsbox.ts'

const baked = (file: string, ...args: string[]) => {
  const { status, stdout, stderr } = nsbox(['bake', '-o', file, ...args])
  assert.equal([status, stdout, stderr], [0, '', ''])
  return file
}

test(
  'a baked box runs as the command line does, with further arguments, and ends with the same status',
  inTemp((dir) => {
    const options = speakingBox(join(dir, 'r'), 'echo $# "$1"; ls /; exit $2')
    const file = baked(join(dir, 'box'), ...options)
    const [here, there] = [nsbox([...options, 'a b', '7']), execute(file, ['a b', '7'])]
    assert.equal(there, here)
    assert.is(there.status, 7)
    assert.is(execute(baked(join(dir, 'killed'), 'sh', '-c', 'kill -9 $$'), []).status, 137)
    assert.is(execute(baked(join(dir, 'missing'), 'nowhere'), []).status, 127)
  }),
)

test(
  'it is a program of mode 755, static, and small',
  inTemp((dir) => {
    const file = execute('sh', [
      '-c',
      'umask 077; "$@"',
      'sh',
      process.env.NSBOX ?? '',
      'bake',
      '--output',
      join(dir, 'box'),
      'true',
    ])
    assert.is(file.status, 0, file.stderr)
    const { mode, size } = statSync(join(dir, 'box'))
    assert.is(mode & 0o7777, 0o755)
    assert.ok(size < statSync(SIDECAR).size + 16384, String(size))
    assert.is(readdirSync(dir).join(), 'box')
  }),
)

test(
  'it shows its plan, with the number of the contract',
  inTemp((dir) => {
    const file = baked(join(dir, 'box'), '--hostname', 'h', 'echo', 'ran')
    const { status, stdout } = execute(file, ['--nsbox-plan'])
    assert.is(status, 0)
    assert.is(JSON.parse(stdout).contract, 2)
    assert.is(JSON.parse(stdout).hostname, 'h')
    assert.is(execute(file, ['--nsbox-plan', 'x']).stdout, 'ran --nsbox-plan x\n')
  }),
)

test(
  'directory, environment, limits and ignored signals come from the user who runs it',
  inTemp((dir) => {
    const script = 'pwd; echo $MINE; ulimit -S -n; umask; grep SigIgn /proc/self/status; echo end'
    const file = baked(join(dir, 'box'), 'bash', '-c', script)
    mkdirSync(join(dir, 'other'))
    const run = (command: string) =>
      execute('bash', [
        '-c',
        `cd ${dir}/other; export MINE=here; ulimit -S -n 99; umask 031; trap "" PIPE USR1; ${command}`,
      ]).stdout
    assert.is(run(`${file}`), run(`bash -c '${script}'`))
    // If the box doesn't have that directory, the command starts in /.
    const root = busyboxRoot(join(dir, 'r'))
    assert.is(execute(baked(join(dir, 'rooted'), '--root', root, 'pwd'), [], { cwd: join(dir, 'other') }).stdout, '/\n')
    assert.is(execute(baked(join(dir, 'fixed'), '--root', root, '--cwd', '/bin', 'pwd'), []).stdout, '/bin\n')
  }),
)

test(
  'with --relative the program and its root move together',
  inTemp((dir) => {
    mkdirSync(join(dir, 'a/b'), { recursive: true })
    busyboxRoot(join(dir, 'a/r'))
    writeFileSync(join(dir, 'a/b/file'), 'content\n')
    mkdirSync(join(dir, 'away'))
    const { status, stderr } = nsbox(
      [
        'bake',
        '-o',
        'a/box',
        '--relative',
        '--root',
        'a/r',
        '--ro-bind',
        'a/b:/b',
        '--file',
        'a/b/file:/copy',
        '--bind',
        'away:/away',
        'sh',
        '-c',
        'cat /b/file /copy; ls -d /away',
      ],
      { cwd: dir },
    )
    assert.is(status, 0, stderr)
    const plan = JSON.parse(execute(join(dir, 'a/box'), ['--nsbox-plan']).stdout)
    assert.is(plan.root.path, './r')
    assert.equal(
      plan.mounts
        .filter(({ source }: { source?: string }) => source !== undefined)
        .map(({ source }: { source: string }) => source),
      ['./b', './b/file', join(dir, 'away')],
    )
    renameSync(join(dir, 'a'), join(dir, 'moved'))
    for (const cwd of ['/', dir, join(dir, 'moved')])
      assert.is(execute(join(dir, 'moved/box'), [], { cwd }).stdout, 'content\ncontent\n/away\n')
    symlinkSync(join(dir, 'moved/box'), join(dir, 'link'))
    assert.is(execute(join(dir, 'link'), []).stdout, 'content\ncontent\n/away\n')
    // Without --relative the paths stay absolute.
    const fixed = baked(join(dir, 'moved/fixed'), '--root', join(dir, 'moved/r'), 'true')
    renameSync(join(dir, 'moved'), join(dir, 'again'))
    failure(execute(join(dir, 'again/fixed'), []), /^nsbox: (root|state): open: .*\/moved\/r: No such file/)
    assert.ok(!existsSync(fixed))
  }),
)

test('relative paths are refused in a plan outside of a baked program', () => {
  const plan = { ...planOf(['true']), root: { type: 'directory', path: './r' } }
  failure(sidecar(plan), /^nsbox: read plan: a relative path only makes sense in a baked program: \.\/r\nhint: /)
})

test(
  'an existing file stays as it is, unless --force is given',
  inTemp((dir) => {
    const file = join(dir, 'box')
    writeFileSync(file, 'mine')
    failure(
      nsbox(['bake', '-o', file, 'true']),
      /^nsbox: bake: write: \/.*\/box: .*\(EEXIST\)\nhint: --force replaces it\n$/,
    )
    assert.is(readFileSync(file, 'utf8'), 'mine')
    const target = join(dir, 'target')
    writeFileSync(target, 'mine')
    symlinkSync(target, join(dir, 'link'))
    failure(nsbox(['bake', '-o', join(dir, 'link'), 'true']), /\(EEXIST\)/)
    baked(join(dir, 'link'), '--force', 'true')
    assert.is(readFileSync(target, 'utf8'), 'mine')
    assert.ok(lstatSync(join(dir, 'link')).isFile())
    baked(file, '--force', 'true')
    assert.is(execute(file, []).status, 0)
    mkdirSync(join(dir, 'directory'))
    for (const flags of [[], ['--force']])
      failure(nsbox(['bake', '-o', join(dir, 'directory'), ...flags, 'true']), /^nsbox: bake: write: /)
    failure(nsbox(['bake', '-o', join(dir, 'nowhere/box'), 'true']), /\(ENOENT\)/)
    failure(nsbox(['bake', '-o', join(dir, 'n'), '--root', '/nowhere', 'true']), /^nsbox: root: /)
    assert.equal(readdirSync(dir).sort(), ['box', 'directory', 'link', 'target'])
  }),
)

test(
  'a running baked program can be replaced, and a full file system leaves nothing',
  inTemp(async (dir) => {
    const file = baked(join(dir, 'box'), 'sh', '-c', 'echo ready; read x; exit 4')
    const box = Bun.spawn([file], { stdin: 'pipe', stdout: 'pipe' })
    await box.stdout.getReader().read()
    baked(file, '--force', 'sh', '-c', 'exit 5')
    box.stdin.end()
    assert.is(await box.exited, 4)
    assert.is(execute(file, []).status, 5)
    const script = 'mount -t tmpfs -o size=64k none "$1"; "$0" bake -o "$1/box" true; echo $?; ls -A "$1" | wc -l'
    const { stdout } = execute('unshare', [
      ...(process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']),
      '--mount',
      'sh',
      '-c',
      script,
      process.env.NSBOX ?? '',
      dir,
    ])
    assert.is(stdout, '125\n0\n')
  }),
)

test(
  'a program that was cut off says so',
  inTemp((dir) => {
    const file = baked(join(dir, 'box'), 'true')
    const whole = readFileSync(file)
    const end = whole.subarray(whole.length - 16)
    end.writeBigUInt64LE(BigInt(whole.length))
    writeFileSync(join(dir, 'long'), whole, { mode: 0o755 })
    failure(execute(join(dir, 'long'), []), /^nsbox: read plan: the plan in this executable is cut off: /)
    // Cut by one byte, and by so much of the plan that whole pages of the mapping are missing.
    const large = readFileSync(baked(join(dir, 'large'), 'echo', 'x'.repeat(20_000)))
    for (const lost of [1, 16, 9000, 18_000]) {
      const name = join(dir, `cut-${lost}`)
      writeFileSync(name, large.subarray(0, large.length - lost), { mode: 0o755 })
      failure(execute(name, []), /^nsbox: read plan: the plan in this executable is cut off: /)
    }
  }),
)

test.run()
