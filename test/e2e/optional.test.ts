/** --bind-try and --ro-bind-try: a mount whose source is missing when the box starts. */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { each } from '../helpers/each-interface.ts'
import { execute, inTemp, nsbox, planOf } from '../helpers/nsbox.ts'

each('a source that is missing is left out, and one that is there shows', (box, root, dir) => {
  mkdirSync(join(dir, 'there'))
  writeFileSync(join(dir, 'there/file'), 'x')
  symlinkSync('nowhere', join(dir, 'dangling'))
  const options = ['--root', root, '--bind-try', `${dir}/there:/tmp/a`, '--ro-bind-try', `${dir}/there:/tmp/b`]
  const missing = ['none:/tmp/c', 'none/deeper:/tmp/d', 'there/file/below:/tmp/e', 'dangling:/tmp/f']
  const left = missing.flatMap((one, n) => [n % 2 ? '--bind-try' : '--ro-bind-try', `${dir}/${one}`])
  assert.is(
    box(...options, ...left, 'sh', '-c', 'ls /tmp; echo y >/tmp/a/new; echo z 2>&- >/tmp/b/new; cat /tmp/a/new'),
    'a\nb\ny\n',
  )
})

test(
  'what keeps a source from being looked at is an error',
  inTemp((dir) => {
    symlinkSync(dir, join(dir, 'link'))
    const { status, stderr } = nsbox(['--no-follow', '--ro-bind-try', `${dir}/link:/mnt`, 'true'])
    assert.is(status, 125)
    assert.match(stderr, /^nsbox: mounts: bind: .*link: .*\(ELOOP\)/)
    symlinkSync('loop', join(dir, 'loop'))
    assert.match(nsbox(['--bind-try', `${dir}/loop:/mnt`, 'true']).stderr, /\(ELOOP\)/)
    assert.match(nsbox(['--bind-try', `${dir}/${'n'.repeat(300)}:/mnt`, 'true']).stderr, /\(ENAMETOOLONG\)/)
  }),
)

test('--verbose and explain name what is left out, and a plain start says nothing', () => {
  const options = ['--ro-bind-try', '/nowhere/at all:/mnt/x']
  assert.equal(nsbox([...options, 'true']), { status: 0, signal: null, stdout: '', stderr: '' })
  assert.match(
    nsbox(['--verbose', ...options, 'true']).stderr,
    /^nsbox: mounts: left out, since nothing is there: \/nowhere\/at all$/m,
  )
  const { stdout } = nsbox(['explain', ...options, '--tmpfs', '/tmp', 'true'])
  assert.match(
    stdout.replace(/\s+/g, ' '),
    /'\/nowhere\/at all' is missing on the host now: the mount at \/mnt\/x is left out\./,
  )
  assert.not.match(stdout, /mnt\/x +host/)
})

test(
  'a baked box looks when it starts',
  inTemp((dir) => {
    const program = join(dir, 'p')
    const args = ['--ro-bind-try', `${dir}/later:/mnt`, 'sh', '-c', 'ls /mnt']
    assert.is(nsbox(['bake', '-o', program, ...args]).status, 0)
    assert.not.match(execute(program, []).stdout, /file/)
    mkdirSync(join(dir, 'later'))
    writeFileSync(join(dir, 'later/file'), '')
    assert.is(execute(program, []).stdout, 'file\n')
  }),
)

test(
  'a read-only mount behind one that is left out keeps its pins',
  inTemp((dir) => {
    const project = join(dir, 'project')
    mkdirSync(join(project, '.git/hooks'), { recursive: true })
    const hooks = `${project}/.git/hooks`
    const options = ['--bind', project, '--ro-bind-try', `${dir}/none:${hooks}`, '--ro-bind', hooks]
    const pins = (planOf([...options, 'true']).mounts as { type: string; target: string }[]).filter(
      ({ type }) => type === 'pin',
    )
    assert.ok(pins.filter(({ target }) => target === `${project}/.git`).length >= 2, JSON.stringify(pins))
    for (const more of [[], ['--ro-bind-try', hooks]]) {
      const { stdout } = nsbox([
        ...options,
        ...more,
        'sh',
        '-c',
        `mv ${project}/.git ${project}/moved 2>/dev/null || echo kept`,
      ])
      assert.is(stdout, 'kept\n')
    }
    rmSync(hooks, { recursive: true })
    assert.is(nsbox(['--bind', project, '--ro-bind-try', hooks, 'true']).status, 0)
  }),
)

test('at the same path nothing is made on the host, and no view takes the place of /', () => {
  const { root, mounts } = planOf(['--ro-bind-try', '/no such directory', 'true'])
  assert.not.ok((root as { view?: boolean }).view)
  assert.not.ok((mounts as { type: string }[]).some(({ type }) => type === 'view'))
  assert.is(nsbox(['--ro-bind-try', '/no such directory', 'ls', '/no such directory']).status, 2)
})

test.run()
