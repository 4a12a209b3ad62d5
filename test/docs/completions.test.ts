/** Completions, in real shells on a terminal; and the manual page, as its readers' programs take it. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { allOptions } from '../../src/cli/verb-options.ts'
import { VERBS } from '../../src/cli/verb.ts'
import { ROWS } from '../../src/verbs/rows.ts'
import { execute, inTemp, NSBOX, OUTSIDE_OF_TMP } from '../helpers/nsbox.ts'
import { end } from '../helpers/running-box.ts'
import { Pty } from '../helpers/pty.ts'

const docs = new URL('../../docs/', import.meta.url).pathname
const there = (program: string) => spawnSync(program, ['--version']).error === undefined

const SHELLS: Record<string, { argv: string[]; load: string }> = {
  bash: {
    argv: ['bash', '--norc', '--noprofile', '-i'],
    load: `bind 'set show-all-if-ambiguous on'; source ${docs}completions/nsbox.bash`,
  },
  zsh: { argv: ['zsh', '-f', '-i'], load: `fpath=(${docs}completions $fpath); autoload -U compinit; compinit -u -D` },
  fish: { argv: ['fish', '--no-config', '-i'], load: `source ${docs}completions/nsbox.fish` },
}

/** The text that is typed before Tab, and the text that appears. */
const TYPED: [string, RegExp][] = [
  ['nsbox expl', /ain/],
  ['nsbox --new', /-session/],
  ['nsbox --net=n', /one/],
  ['nsbox --net n', /one/],
  ['nsbox --share pid,i', /pc/],
  ['nsbox explain --cap-add net_a', /dmin/],
  ['nsbox --ulimit nof', /ile=/],
  ['nsbox --root dir', /ect\\ ory\//],
  ['nsbox --plan pl', /an\.json/],
  ['nsbox bake -o pl', /an\.json/],
  ['nsbox rootfs bu', /ild/],
  ['nsbox rootfs build r --with nss,lo', /cale/],
  ['nsbox enter 1 --timeo', /ut/],
  ['nsbox enter 1 unsha', /re/],
  ['nsbox help ba', /ke/],
  ['nsbox ps --js', /on/],
  ['nsbox enter complete-m', /e-too/],
  ['nsbox --root rt onlyh', /ere/],
  ['nsbox explain -r rt --ro onlyh', /ere/],
  ['nsbox --root=rt -- onlyh', /ere/],
  ['nsbox --ro -- unsha', /re/],
  ['nsbox --ro cat pl', /an\.json/],
]

for (const [shell, { argv, load }] of Object.entries(SHELLS)) {
  const body = inTemp(async (dir) => {
    mkdirSync(join(dir, 'direct ory'))
    writeFileSync(join(dir, 'plan.json'), '')
    mkdirSync(join(dir, 'rt/usr/bin'), { recursive: true })
    // The second name would change the terminal's title.
    for (const name of ['onlyhere', 'onlyh\x1b]0;title\x07'])
      writeFileSync(join(dir, 'rt/usr/bin', name), '#!/bin/sh\n', { mode: 0o755 })
    const boxes: ChildProcess[] = []
    const pty = new Pty(argv, {
      PATH: `${dirname(NSBOX)}:${process.env.PATH}`,
      HOME: dir,
      INPUTRC: '/dev/null',
      PS1: '> ',
      TERM: 'dumb',
    })
    try {
      pty.enter(`cd ${dir}; ${load}; echo lo''aded`)
      await pty.expect(/loaded/)
      const box = spawn(NSBOX, ['--name', 'complete-me-too', 'sh', '-c', 'echo ready; read x'], { ...OUTSIDE_OF_TMP })
      await once(box.stdout, 'data')
      boxes.push(box)
      for (const [typed, shown] of [
        ...TYPED,
        ...(shell === 'bash' ? [['nsbox --bind /etc:/us', /r\//] as const] : []),
      ]) {
        pty.type(`${typed}\t`)
        await pty.expect(shown)
        // Clear the line: the shell's next prompt comes after everything that it drew.
        pty.type('\x15')
        pty.enter("echo ne''xt")
        await pty.expect(/next/)
      }
      assert.not.ok(pty.shown.includes('\x1b]0;title'))
      if (shell === 'zsh') {
        // What zsh passes to functions of its own is no choice.
        pty.type('nsbox --seccomp \t')
        await pty.expect(/none/)
        pty.type('\x15')
        pty.enter("echo ne''xt")
        assert.not.match(await pty.expect(/[^]*next/), / -J/)
      }
    } finally {
      for (const box of boxes) await end(box)
      await pty.end()
    }
  })
  const title = `${shell} completes verbs, options, values, files and the command`
  if (there(shell)) test(title, body)
  else test.skip(`${title} (${shell} is not installed)`, body)
}

test('the manual page has every verb and option, and no request that troff does not know', () => {
  const page = readFileSync(`${docs}nsbox.1`, 'utf8')
  const dashed = (name: string) => name.replaceAll('-', '\\-')
  for (const { name, doc } of allOptions(ROWS)) {
    assert.ok(page.includes(`${dashed(`--${name}`)}\\fR`), name)
    assert.ok(page.replace(/\n/g, ' ').includes(dashed(doc).replaceAll('`', '\\(ga')), name)
  }
  for (const verb of VERBS) assert.ok(page.includes(`\n\\fB${verb}\\fR\n`), verb)
})

const groff = there('groff') ? test : test.skip
groff('the manual page formats without a warning (groff)', () => {
  const { status, stdout, stderr } = execute('groff', ['-ww', '-man', '-Tutf8', '-P-cbou', `${docs}nsbox.1`])
  assert.is(stderr, '')
  assert.is(status, 0)
  assert.match(stdout, /^EXIT STATUS$/m)
  assert.match(stdout, /^ +nsbox rootfs build DIR\|-o FILE PROGRAM\|PATH\.\.\. \[OPTIONS\] \[-- COMMAND\.\.\.\]$/m)
})

test('the manual says what a box is by default, and no entry of it is torn', () => {
  const page = readFileSync(join(docs, 'nsbox.1'), 'utf8')
  assert.match(page, /^\.SH A BOX BY DEFAULT$/m)
  const messages = [
    ...readFileSync(join(docs, 'troubleshooting.md'), 'utf8').matchAll(/^\| (`[a-z][\w ]*: .*?) \| .* \|$/gm),
  ].map(([, left = '']) => left)
  assert.ok(messages.length > 10)
  const plain = page.replace(/\\f[BIR]/g, '').replaceAll('\\-', '-')
  for (const message of messages) assert.ok(plain.includes(`\n.TP\n${message.replaceAll('`', '')}\n`), message)
})

test.run()
