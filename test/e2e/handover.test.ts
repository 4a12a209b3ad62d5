/** The front end becomes the box wherever it can write an executable file, and prints a message if it can't. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot, execute, NSBOX, SIDECAR } from '../helpers/nsbox.ts'

/** Runs a script in a mount namespace of its own, in which it may mount. */
function apart(script: string, ...words: string[]): { status: number | null; stdout: string; stderr: string } {
  const namespaces = asRoot ? ['--propagation', 'private'] : ['--user', '--map-root-user']
  return execute('unshare', [
    ...namespaces,
    '--pid',
    '--fork',
    '--mount',
    '--mount-proc',
    'bash',
    '-c',
    script,
    NSBOX,
    ...words,
  ])
}

/** Mounts another file system on every candidate, and binds the executable, which may lie in one of them, back. */
const NOEXEC =
  'mount -t tmpfs none /mnt; touch /mnt/nsbox; mount --bind "$0" /mnt/nsbox; [ -z "$1" ] || { touch /mnt/nsbox-sidecar; mount --bind "$1" /mnt/nsbox-sidecar; }; for d in "$HOME" /dev/shm /tmp; do mount -t tmpfs -o noexec none "$d"; done; export TMPDIR=/tmp; unset XDG_RUNTIME_DIR;'

test('TMPDIR serves where /dev/shm is mounted noexec, as container engines do', () => {
  const { stdout, stderr } = apart(
    'mount -t tmpfs -o noexec none /dev/shm; mount -t tmpfs none /mnt; TMPDIR=/mnt "$0" sh -c "echo ran; ls /mnt"',
  )
  assert.is(stdout, 'ran\n', stderr)
})

test('memory serves where every place is mounted noexec', () => {
  const { stdout, stderr } = apart(`${NOEXEC} /mnt/nsbox sh -c 'echo ran; exit 3'; echo $?`)
  assert.is(stdout, 'ran\n3\n', stderr)
})

test('memory serves programs of nsbox that a plan calls, too', () => {
  const { stdout, stderr } = apart(
    `${NOEXEC} cd /mnt; touch .env; /mnt/nsbox --allow-socket /none --hide '**/.env' --bind /mnt sh -c 'cat /mnt/.env; echo $?'`,
  )
  assert.is(stdout, '1\n', stderr)
})

test('memory serves where every place is read-only', () => {
  const { stdout, stderr } = apart(`${NOEXEC.replaceAll('noexec', 'ro')} /mnt/nsbox echo ran`)
  assert.is(stdout, 'ran\n', stderr)
})

/** In a pid namespace too, since vm.memfd_noexec is a setting of the pid namespace from Linux 6.3 on. */
const settable =
  execute('unshare', [
    ...(asRoot ? [] : ['--user', '--map-root-user']),
    '--pid',
    '--fork',
    '--mount',
    '--mount-proc',
    'sh',
    '-c',
    'echo 2 >/proc/sys/vm/memfd_noexec',
  ]).status === 0
const withoutMemory = (level: number) => `echo ${level} >/proc/sys/vm/memfd_noexec; ${NOEXEC}`
const testSetting = settable ? test : test.skip

testSetting('a file in memory is asked for as one to execute where the system wants that', () => {
  const { stdout, stderr } = apart(`${withoutMemory(1)} /mnt/nsbox sh -c 'echo ran; exit 3'; echo $?`)
  assert.is(stdout, 'ran\n3\n', stderr)
})

testSetting('the sidecar beside nsbox serves where the system executes no file in memory', () => {
  const { stdout, stderr } = apart(
    `${withoutMemory(2)}
    /mnt/nsbox --status-fd 7 sh -c 'ls /proc/self/fd; printf "%s\n" "$0" "$1"; exit 3' a 'b c' 7>/mnt/status; echo $?; cat /mnt/status`,
    SIDECAR,
  )
  assert.match(
    stdout,
    /^0\n1\n2\n3\na\nb c\n3\n\{"event":"start","pid":\d+\}\n\{"event":"exit","status":3,"signal":0,[^\n]*\}\n$/,
    stderr,
  )
  const large = apart(
    `${withoutMemory(2)} /mnt/nsbox $(printf -- '--env A%d=x ' $(seq 9000)) env | grep -c ^A[0-9]`,
    SIDECAR,
  )
  assert.is(large.stdout, '9000\n', large.stderr)
})

testSetting('where nothing can be executed at all, one line says so', () => {
  const { stdout, stderr } = apart(`${withoutMemory(2)} /mnt/nsbox echo ran; echo $?`)
  assert.is(stdout, '125\n')
  assert.match(
    stderr,
    /^nsbox: hand over: no place from which a file can be executed: \/dev\/shm \/tmp \/tmp: [^\n]* \(E[A-Z]+\)\nhint: set TMPDIR [^\n]*\n$/,
  )
})

test('the status descriptor and odd environments survive that way too', () => {
  const { stdout, stderr } = apart(
    `${NOEXEC} export ODD=$'a\\xff'; /mnt/nsbox --status-fd 7 sh -c 'ls /proc/self/fd; printf "%s" "$ODD" | od -An -tx1' 7>/mnt/status; cat /mnt/status`,
  )
  assert.match(
    stdout,
    /^0\n1\n2\n3\n 61 ff\n\{"event":"start","pid":\d+\}\n\{"event":"exit","status":0,"signal":0,[^\n]*\}\n$/,
    stderr,
  )
})

test('nothing is left in the places', () => {
  const { stdout } = apart(
    'mount -t tmpfs none /dev/shm; "$0" true; "$0" nowhere 2>/dev/null; ls -A /dev/shm | wc -l; df --output=iused /dev/shm | tail -1',
  )
  assert.equal(stdout.trim().split(/\s+/), ['0', '1'])
})

test('the file that runs cannot be written to from inside', () => {
  const { stdout } = execute(NSBOX, [
    'sh',
    '-c',
    'for p in 1 self; do echo x 2>/dev/null > /proc/$p/exe && echo written; done; echo done',
  ])
  assert.is(stdout, 'done\n')
})

test.run()
