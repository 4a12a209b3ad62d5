/** A command that enters a box from a terminal: job control, signals, and programs that fill the screen. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { NSBOX } from '../helpers/nsbox.ts'
import { Pty } from '../helpers/pty.ts'
import { inBox } from '../helpers/running-box.ts'

test('a shell that enters has job control on the terminal', () =>
  inBox([], async (pid) => {
    const pty = new Pty([NSBOX, 'enter', String(pid), 'bash', '--norc', '--noediting', '-i'])
    try {
      await pty.expect(/\$ $/)
      pty.enter('sh -c \'echo re""ady; exec sleep 1000\'')
      await pty.expect(/ready/)
      pty.type('\x1a')
      await pty.expect(/Stopped[^]*\$ $/)
      pty.enter('fg')
      await pty.expect(/sleep 1000'\r\n/)
      pty.type('\x03')
      await pty.expect(/\$ $/)
      pty.enter('echo "status $?"; exit 5')
      await pty.expect(/status 130/)
      assert.is(await pty.exited(), 5)
    } finally {
      await pty.end()
    }
  }))

/** An interactive shell of the caller on a terminal, beside a box; $P is the box's process. */
const besideShell = (argv: readonly string[], body: (pty: Pty) => Promise<void>) => () =>
  inBox(['--tmpfs', '/tmp'], async (pid) => {
    const pty = new Pty(argv, { N: NSBOX, P: String(pid) })
    try {
      await body(pty)
    } finally {
      await pty.end()
    }
  })
const BASH = ['bash', '--norc', '--noediting', '-i']

for (const signal of ['KILL', 'TERM', 'INT', 'STOP', 'TSTP']) {
  test(
    `a command that signals its process group on a terminal does not reach who called nsbox (${signal})`,
    besideShell(
      [
        'sh',
        '-c',
        `"$N" enter "$P" sh -c 'setsid sh -c "sleep 0.3; kill -KILL -$$" & sleep 0.1; kill -${signal} 0; wait'; echo "status $?"; read x; echo "read:$x"`,
      ],
      async (pty) => {
        await pty.expect(/status 1\d\d/)
        pty.enter('typed')
        await pty.expect(/read:typed/)
      },
    ),
  )
}

test(
  'in a script without job control it has the terminal when it asks for it, and the script has it back',
  besideShell(
    [
      'sh',
      '-c',
      '"$N" enter "$P" sh -c \'read x; echo "first:$x"; stty -echo; stty echo; ps -o pgid= $$ | tr -d " "; kill -9 0\'; echo "status $?"; read x; echo "second:$x"',
    ],
    async (pty) => {
      pty.enter('one')
      await pty.expect(/first:one/)
      await pty.expect(/status 137/)
      pty.enter('two')
      await pty.expect(/second:two/)
      assert.is(await pty.exited(), 0)
    },
  ),
)

test(
  'a pager behind a command that entered reads the terminal',
  besideShell(BASH, async (pty) => {
    await pty.expect(/\$ $/)
    pty.enter('"$N" enter "$P" seq 500 | less -X')
    await pty.expect(/\r\n22\r\n[^]*:/)
    pty.type('G')
    await pty.expect(/\r\n500\r\n/)
    pty.type('q')
    await pty.expect(/\$ $/)
    pty.enter('"$N" enter "$P" sh -c \'read x; echo "got:$x"; seq 500\' | less -X')
    pty.enter('word')
    await pty.expect(/got:word/)
    await pty.press('G', /\r\n500\r\n/)
    pty.type('q')
    await pty.expect(/\$ $/)
    pty.enter('echo "status $?"')
    await pty.expect(/status 0/)
  }),
)

test(
  'Ctrl-Z and fg stop and continue a command that entered, and bg lets it run until it reads',
  besideShell(BASH, async (pty) => {
    await pty.expect(/\$ $/)
    for (const program of [
      'sh -c \'echo re""ady; read x; echo "read:$x"\'',
      'sh -c \'stty -echo; stty echo; echo re""ady; read x; echo "read:$x"\'',
    ]) {
      pty.enter(`"$N" enter "$P" ${program}`)
      await pty.expect(/ready/)
      pty.type('\x1a')
      await pty.expect(/Stopped[^]*\$ $/)
      pty.enter('jobs')
      await pty.expect(/Stopped[^]*\$ $/)
      pty.enter('bg')
      await pty.expect(/&[^]*\$ $/)
      // The shell tells of it with a prompt, the next time that it looks.
      await pty.press('\r', /Stopped[^]*\$ $/)
      pty.enter('fg')
      await pty.expect(/enter/)
      pty.enter('answer')
      await pty.expect(/read:answer[^]*\$ $/)
    }
    // The same for a command that never touches the terminal.
    pty.enter('"$N" enter "$P" sh -c \'echo re""ady; exec sleep 1000\'')
    await pty.expect(/ready/)
    pty.type('\x1a')
    await pty.expect(/Stopped[^]*\$ $/)
    pty.enter('fg')
    await pty.expect(/enter/)
    pty.type('\x03')
    await pty.expect(/\$ $/)
    pty.enter('echo "status $?"')
    await pty.expect(/status 130/)
  }),
)

test(
  'Ctrl-Z stops a script whose command has the terminal, and a pipeline as a whole',
  besideShell(BASH, async (pty) => {
    await pty.expect(/\$ $/)
    for (const line of [
      'sh -c \'"$N" enter "$P" sh -c "echo re\\"\\"ady; read x; echo go\\"\\"t; read y; echo read:\\$x\\$y"; echo end""ed\'',
      '"$N" enter "$P" sh -c \'echo re""ady; read x; echo go""t; read y; echo "read:$x$y"; echo end""ed\' | cat',
    ]) {
      pty.enter(line)
      await pty.expect(/ready/)
      pty.enter('one')
      // The terminal drops input that isn't read by then.
      await pty.expect(/got/)
      pty.type('\x1a')
      await pty.expect(/Stopped[^]*\$ $/)
      pty.enter('fg')
      await pty.expect(/enter/)
      pty.enter('two')
      await pty.expect(/read:onetwo\r\nended/)
      await pty.expect(/\$ $/)
    }
  }),
)

test(
  'Ctrl-C ends a script whose command does not use the terminal',
  besideShell(BASH, async (pty) => {
    await pty.expect(/\$ $/)
    pty.enter('sh -c \'"$N" enter "$P" sh -c "echo re\\"\\"ady; exec sleep 1000"; echo go""ne on\'')
    await pty.endsByCtrlC()
    assert.not.match(pty.shown, /gone on/)
  }),
)

test('Ctrl-Z does not stop a command for ever that entered as the first program on a terminal', () =>
  inBox([], async (pid) => {
    const pty = new Pty([NSBOX, 'enter', String(pid), 'sh', '-c', 'echo ready; read x; echo "read:$x"'])
    try {
      await pty.expect(/ready/)
      pty.enter('\x1a')
      pty.enter('word')
      await pty.expect(/read:/)
      assert.is(await pty.exited(), 0)
    } finally {
      await pty.end()
    }
  }))

test(
  'a full-screen program that has entered stops and comes back',
  besideShell(BASH, async (pty) => {
    await pty.expect(/\$ $/)
    await pty.stopsInEditor('"$N" enter "$P" busybox vi')
  }),
)

test.run()
