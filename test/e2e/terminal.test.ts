/** A box on a terminal behaves as the command alone would. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { execute, NSBOX } from '../helpers/nsbox.ts'
import { Pty } from '../helpers/pty.ts'

/** An interactive bash on a terminal; its prompt has shown. */
async function inShell(
  body: (pty: Pty) => Promise<void>,
  argv: readonly string[] = ['bash', '--norc', '--noediting', '-i'],
): Promise<void> {
  const pty = new Pty(argv)
  try {
    await body(pty)
  } finally {
    await pty.end()
  }
}

const shell = (body: (pty: Pty) => Promise<void>) => () =>
  inShell(async (pty) => {
    await pty.expect(/\$ $/)
    await body(pty)
  })

/** The terminal echoes the typed text, so the awaited text must not occur in it. */
const READY = 'echo re""ady'

test(
  'Ctrl-C ends the command, and the shell outside goes on',
  shell(async (pty) => {
    pty.enter(`${NSBOX} sh -c '${READY}; exec sleep 100'`)
    await pty.endsByCtrlC()
  }),
)

test(
  'Ctrl-C ends a command that is process 1',
  shell(async (pty) => {
    pty.enter(`${NSBOX} --no-init sh -c '${READY}; exec sleep 100'`)
    await pty.endsByCtrlC()
  }),
)

test(
  'a full-screen program in a session of its own stops itself and comes back',
  shell(async (pty) => {
    pty.enter(
      `${NSBOX} --new-session bash -c 'trap "echo cau""ght; trap - TSTP; kill -TSTP \\$\\$; echo ba""ck" TSTP; ${READY}; until read -t 0.05 x; do :; done'`,
    )
    await pty.expect(/ready/)
    pty.type('\x1a')
    await pty.expect(/Stopped/)
    pty.enter('fg')
    await pty.expect(/back/)
  }),
)

test(
  'Ctrl-C reaches a command once',
  shell(async (pty) => {
    pty.enter(`${NSBOX} bash -c 'trap "echo go\\"\\"t" INT; ${READY}; until read -t 0.05 x; do :; done; echo en""ded'`)
    await pty.expect(/ready/)
    for (let count = 1; count <= 3; count++) {
      pty.type('\x03')
      await pty.expect(/got/)
    }
    // A second signal for the same key would show before the end that is typed later. The shell loses what it reads
    // while its time ends.
    await pty.press('\r', /ended/)
    assert.is(pty.shown.match(/got/g)?.length, 3)
  }),
)

test(
  'a command that the filter of system calls ends gets a word, where there is a filter and not with --quiet',
  shell(async (pty) => {
    const end = "sh -c 'kill -SYS $$'"
    pty.enter(`${NSBOX} ${end}; echo "stat""us $?"`)
    const shown = await pty.expect(/nsbox: seccomp: [^\n]*\n[^\n]*\n[^\n]*status 159/)
    assert.match(shown, /killed by the filter of system calls \(SIGSYS\)\r\nhint: --seccomp none runs without it\r\n/)
    for (const flags of ['--quiet', '--new-session --seccomp none']) {
      const before = pty.shown.length
      pty.enter(`${NSBOX} ${flags} ${end}; echo "stat""us $?"`)
      await pty.expect(/status 159/)
      assert.not.match(pty.shown.slice(before), /nsbox: seccomp/)
    }
  }),
)

for (const flags of ['', '--no-init ', '--new-session ', '--no-init --new-session '])
  test(
    `Ctrl-Z stops the box, jobs shows it, and fg brings it back (${flags || 'by default'})`,
    shell(async (pty) => {
      pty.enter(`${NSBOX} ${flags}sh -c '${READY}; read x; echo "read:$x"'`)
      await pty.expect(/ready/)
      pty.type('\x1a')
      await pty.expect(/Stopped/)
      pty.enter('jobs')
      await pty.expect(/Stopped/)
      pty.enter('fg')
      await pty.expect(/nsbox .*sh/)
      pty.enter('answer')
      await pty.expect(/read:answer/)
    }),
  )

test(
  'an interactive shell in the box has job control of its own',
  shell(async (pty) => {
    pty.enter(`${NSBOX} --env PS1='box> ' bash --norc --noediting -i`)
    await pty.expect(/box> $/)
    pty.enter(`sh -c '${READY}; exec sleep 100'`)
    await pty.expect(/ready/)
    pty.type('\x1a')
    await pty.expect(/Stopped.*sleep 100/)
    pty.enter('fg')
    await pty.expect(/sleep 100/)
    pty.type('\x03')
    await pty.expect(/box> $/)
    pty.enter('exit 7')
    await pty.expect(/\$ $/)
    pty.enter('echo "status $?"')
    await pty.expect(/status 7/)
  }),
)

test('after an interactive shell in a box, a script can read the terminal again', () =>
  inShell(
    async (pty) => {
      await pty.expect(/box> $/)
      pty.enter('exit')
      await pty.expect(/now/)
      pty.enter('typed')
      await pty.expect(/read:typed/)
    },
    ['sh', '-c', `${NSBOX} --env PS1='box> ' bash --norc --noediting -i; echo now; read x; echo "read:$x"`],
  ))

test(
  'the size of the window is known inside, and its changes too',
  shell(async (pty) => {
    pty.enter(`${NSBOX} bash -c 'stty size; trap "stty size" WINCH; ${READY}; while :; do sleep 0.05; done'`)
    await pty.expect(/24 80\r\nready/)
    pty.resize(100, 30)
    await pty.expect(/30 100/)
  }),
)

test(
  'the terminal has a name in the box',
  shell(async (pty) => {
    pty.enter(`${NSBOX} tty`)
    await pty.expect(/\/dev\/\w+/)
    pty.enter(`${NSBOX} sh -c 'test -t 0 && echo hel""lo > /dev/tty'`)
    await pty.expect(/hello/)
  }),
)

test(
  'script and tmux run in a box',
  shell(async (pty) => {
    pty.enter(`${NSBOX} --tmpfs /tmp --cwd / script -qec 'echo in""side; tty' /dev/null`)
    await pty.expect(/inside\r\n\/dev\/pts\/\d/)
    await pty.expect(/\$ $/)
    pty.enter(`${NSBOX} --tmpfs /tmp --cwd / tmux -S /tmp/s -f /dev/null new-session 'echo in""tmux; sleep 100'`)
    await pty.expect(/intmux/)
    await pty.press('\x02d', /detached/)
  }),
)

test(
  'a full-screen program stops and comes back',
  shell(async (pty) => {
    await pty.stopsInEditor(`${NSBOX} busybox vi`)
  }),
)

test(
  'a session of its own has no controlling terminal, and Ctrl-C still ends it',
  shell(async (pty) => {
    pty.enter(`${NSBOX} --new-session sh -c 'echo > /dev/tty || ${READY}; exec sleep 100'`)
    await pty.endsByCtrlC()
  }),
)

test(
  'when the terminal goes away, the box ends',
  shell(async (pty) => {
    const marker = `4${process.pid}.5`
    pty.enter(`${NSBOX} sh -c '${READY}; sleep ${marker}'`)
    await pty.expect(/ready/)
    await pty.end()
    const alive = () => execute('pgrep', ['-fx', `sleep ${marker}`]).status === 0
    for (let tries = 0; tries < 100 && alive(); tries++) await Bun.sleep(50)
    assert.not.ok(alive())
  }),
)

test.run()
