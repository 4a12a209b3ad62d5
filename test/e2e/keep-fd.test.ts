/** --keep-fd: descriptors of the caller that the command gets. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { execute, failure, inTemp, NSBOX, nsbox, planOf, sidecar } from '../helpers/nsbox.ts'
import { enter, inBox } from '../helpers/running-box.ts'

const bash = (script: string, ...args: string[]) => execute('bash', ['-c', script, NSBOX, ...args])

test('a command gets the descriptors that are named, under the same numbers, and no others', () => {
  for (const how of ['', '--no-init', '--share pid', '--new-session', '--timeout 100s', '--seccomp none'])
    assert.is(
      bash(
        `"$0" ${how} --keep-fd 5,9 --keep-fd 200 sh -c 'cat <&5; cat <&9; cat /dev/fd/200; (: <&4) 2>/dev/null || echo closed' 4</etc/passwd 5<<<five 9<<<nine 200<<<more`,
      ).stdout,
      'five\nnine\nmore\nclosed\n',
      how,
    )
})

test('process substitution of a shell reaches the command', () => {
  assert.is(bash('"$0" --keep-fd 63 cat <(echo substituted)').stdout, 'substituted\n')
  assert.is(bash('"$0" --keep-fd 63 sh -c "echo written >/dev/fd/63" > >(cat >&2); wait').status, 0)
})

test('only what the caller has left open counts, whatever the runtime has open by itself', () => {
  for (let fd = 3; fd < 64; fd++)
    failure(
      nsbox(['--keep-fd', String(fd), 'true']),
      /^nsbox: descriptors: keep: \d+: .*\(EBADF\)\nhint: nothing of the caller's/,
    )
  failure(nsbox(['--keep-fd', '1048576', 'true']), /keep: 1048576: .*\(EBADF\)/)
  const plan = planOf(['--keep-fd', '7', 'true'])
  failure(sidecar(plan), /^nsbox: descriptors: keep: 7: .*\(EBADF\)\nhint: nothing of the caller's/)
  for (const twice of [
    [7, 7],
    [0, 0],
  ])
    failure(sidecar({ ...plan, process: { ...plan.process, keepFds: twice } }), /keep/)
})

test('a directory and a bare path are refused', () => {
  for (const open of ['4</', '4</etc']) {
    const { status, stderr } = bash(`"$0" --keep-fd 4 ls ${open}`)
    assert.is(status, 125)
    assert.match(
      stderr,
      /^nsbox: descriptors: is a directory, by which the box could reach the host's files: 4\nhint: /,
    )
  }
  for (const fd of [9, 90]) {
    const { status, stderr } = execute('python3', [
      '-c',
      `import os,sys; fd=os.open('/etc/passwd', os.O_PATH); os.dup2(fd, ${fd}); os.execv(sys.argv[1], ['nsbox','--keep-fd','${fd}','true'])`,
      NSBOX,
    ])
    assert.is(status, 125)
    assert.match(
      stderr,
      new RegExp(`^nsbox: descriptors: is opened by O_PATH, and can't be read or written to: ${fd}\nhint: `),
    )
  }
})

test('a reader sees the end when the command closes its copy, although the box goes on', async () => {
  for (const how of [[], ['--no-init'], ['--timeout', '100s'], ['--verbose'], ['--die-with-parent']]) {
    const box = spawn(NSBOX, [...how, '--keep-fd', '3', 'sh', '-c', 'echo out >&3; exec 3>&-; read x'], {
      stdio: ['pipe', 'ignore', 'ignore', 'pipe'],
    })
    let text = ''
    const output = box.stdio[3] as NodeJS.ReadableStream
    output.on('data', (data: Buffer) => {
      text += data
    })
    await once(output, 'end')
    assert.is(text, 'out\n')
    assert.is(box.exitCode, null)
    box.kill('SIGKILL')
    await once(box, 'exit')
  }
})

test(
  'a stored plan, a baked box and a command that enters keep them too',
  inTemp(async (dir) => {
    const plan = join(dir, 'plan.json')
    writeFileSync(plan, nsbox(['plan', '--keep-fd', '8', 'cat', '/dev/fd/8']).stdout)
    assert.is(bash('"$0" run --plan "$1" 8<<<stored', plan).stdout, 'stored\n')
    const program = join(dir, 'baked')
    assert.is(nsbox(['bake', '-o', program, '--keep-fd', '8', 'cat', '/dev/fd/8']).status, 0)
    assert.is(execute('bash', ['-c', '"$0" 8<<<baked', program]).stdout, 'baked\n')
    assert.match(execute(program, []).stderr, /keep: 8: /)
    await inBox([], (pid) => {
      assert.is(bash('"$0" enter "$1" --keep-fd 8 cat /dev/fd/8 8<<<entered', String(pid)).stdout, 'entered\n')
      failure(enter(pid, '--keep-fd', '8', 'true'), /keep: 8: /)
    })
  }),
)

test("a helper that maps ids doesn't inherit it", () => {
  const { status, stdout } = bash('"$0" --map-auto --keep-fd 6 cat /dev/fd/6 6<<<mapped')
  if (status === 125) return console.log('skipped: no ranges in /etc/subuid here')
  assert.is(stdout, 'mapped\n')
})

test.run()
