/** Known failures of such tools: ids, groups and id maps. Each test is named by its lesson. */
// seconds: 150
import { chmodSync, chownSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from '../helpers/command.ts'
import { asRoot, execute, failure, inTemp, nsbox, NSBOX, planOf, SIDECAR, sidecar } from '../helpers/nsbox.ts'
import { asUser } from './as-user.ts'

const onlyRoot = asRoot ? test : test.skip
const onlyUser = asRoot ? test.skip : test

onlyRoot(
  'CVE-2014-8989: who is denied something as member of a group gains nothing by a box (needs root)',
  inTemp((dir) => {
    chmodSync(dir, 0o755)
    const whole = join(dir, 'nsbox')
    const file = join(dir, 'not-for-4242')
    copyFileSync(NSBOX, whole)
    chmodSync(whole, 0o755)
    writeFileSync(file, 'secret\n')
    chownSync(file, 0, 4242)
    chmodSync(file, 0o604)
    assert.is(asUser('', 'cat', file).stdout, 'secret\n')
    const script =
      'cat "$0"; setpriv --clear-groups cat "$0"; setpriv --groups 5001 cat "$0"; cat /proc/self/setgroups; echo allow >/proc/self/setgroups; cat "$0"'
    for (const flags of [[], ['--map-root'], ['--user', '7']]) {
      assert.is(
        asUser('4242', whole, ...flags, '--cap-add', 'all', '--seccomp', 'none', 'sh', '-c', script, file).stdout,
        'deny\n',
        flags.join(' '),
      )
    }
  }),
)

onlyUser('CVE-2014-8989: setgroups is denied before the box has its groups (as a user)', () => {
  for (const flags of [[], ['--map-root'], ['--userns']])
    assert.is(nsbox([...flags, 'cat', '/proc/self/setgroups']).stdout, 'deny\n')
})

onlyRoot(
  'ns#341: when the first process of a box is killed before its id maps are written, no other one gets them (needs root)',
  inTemp(async (dir) => {
    const file = join(dir, 'plan.json')
    writeFileSync(file, JSON.stringify(planOf(['--userns', 'sleep', '1000'])))
    let killed = 0
    for (let round = 0; round < 25; round++) {
      const box = Bun.spawn([SIDECAR, '--plan', file], { stdout: 'ignore', stderr: 'pipe' })
      const children = () => {
        try {
          return readFileSync(`/proc/${box.pid}/task/${box.pid}/children`, 'utf8').trim()
        } catch {
          return ''
        }
      }
      let child = ''
      for (let tries = 0; tries < 100000 && child === ''; tries++) child = children()
      // It stays a zombie until we reap it, so no other process gets its number.
      process.kill(Number(child), 'SIGKILL')
      const error = await new Response(box.stderr).text()
      const status = await box.exited
      assert.ok(
        status === 137 || (status === 125 && /^nsbox: id maps: [^\n]*\n(hint: [^\n]*\n)?$/.test(error)),
        `${status} ${error}`,
      )
      killed++
    }
    assert.is(killed, 25)
  }),
)

/**
 * A script for sh, as root in pid and mount namespaces of its own, with a /proc of its own. $N is nsbox. A user keeps
 * processes in new user namespaces without maps under all numbers that a box may get. The last line prints the maps
 * that were written.
 */
const AMONG_STRANGERS = (script: string) => `
set -e
strangers=$(setpriv --reuid 5001 --regid 5001 --clear-groups sh -c 'for i in $(seq 60); do unshare -U sleep 1000 >/dev/null 2>&1 & echo $!; done')
for one in $strangers; do until [ "$(readlink /proc/$one/ns/user)" != "$(readlink /proc/self/ns/user)" ]; do sleep 0.01; done; done
set +e
${script}
for one in $strangers; do test -d /proc/$one || echo gone; cat /proc/$one/uid_map /proc/$one/gid_map /proc/$one/setgroups; done | sort | uniq -c | tr -s ' '`
const amongStrangers = (script: string, ...args: string[]) =>
  execute('unshare', [
    '-m',
    '-p',
    '-f',
    '--mount-proc',
    '--kill-child',
    'sh',
    '-c',
    AMONG_STRANGERS(script),
    NSBOX,
    SIDECAR,
    ...args,
  ])
/** No process of the user has a map, and setgroups is unchanged. */
const UNTOUCHED = ' 60 allow\n'
const SAME = '0 0 4294967295'
const onlyNested = ['--bind', '/proc', '--cap-add', 'all', '--seccomp', 'none', '--allow-new-privs']

for (const { what, script, map } of [
  {
    what: 'a pid namespace with the /proc of the one above',
    map: SAME,
    script: 'unshare -pf "$0" --userns cat /proc/self/uid_map',
  },
  { what: 'the same, by the sidecar alone', map: SAME, script: 'unshare -pf "$1" --plan "$2"' },
  {
    what: 'the same, with the command as process 1',
    map: SAME,
    script: 'unshare -pf "$0" --userns --no-init cat /proc/self/uid_map',
  },
  {
    what: 'the same, with ids that root grants itself',
    map: '0 0 1\n 1 300000 65536',
    script:
      'echo root:300000:65536 >"$3"; mount --bind "$3" /etc/subuid; mount --bind "$3" /etc/subgid; unshare -pf "$0" --map-auto cat /proc/self/uid_map',
  },
  {
    what: 'the same, by newuidmap',
    map: '0 5 1\n 1 300000 65536',
    script:
      'echo games:300000:65536 >"$3"; mount --bind "$3" /etc/subuid; mount --bind "$3" /etc/subgid; unshare -pf setpriv --reuid 5 --regid 60 --clear-groups "$0" --cwd / --map-auto cat /proc/self/uid_map',
  },
  {
    what: 'the same, by an ordinary user',
    map: '5 5 1',
    script: 'unshare -pf setpriv --reuid 5 --regid 60 --clear-groups "$0" --cwd / cat /proc/self/uid_map',
  },
  {
    what: 'a box with the /proc of the host',
    map: SAME,
    script: `"$0" ${onlyNested.join(' ')} "$0" --userns --ro-bind /proc cat /proc/self/uid_map`,
  },
  {
    what: 'a box with the /proc of the host, and a box in it that shares the processes',
    map: SAME,
    script: `"$0" ${onlyNested.join(' ')} "$0" --userns --share pid cat /proc/self/uid_map`,
  },
]) {
  onlyRoot(
    `id maps go to the box, and to no stranger who has its number: ${what} (needs root)`,
    inTemp((dir) => {
      const plan = join(dir, 'plan')
      writeFileSync(plan, JSON.stringify(planOf(['--userns', 'cat', '/proc/self/uid_map'])))
      chmodSync(dir, 0o755)
      const { stdout, stderr } = amongStrangers(script, plan, join(dir, 'ids'))
      assert.is(stdout.replace(/ +/g, ' '), ` ${map}\n${UNTOUCHED}`, stderr)
    }),
  )
}

onlyRoot(
  'where /proc shows other processes alone, or is a copy that names a stranger, no map is written (needs root)',
  inTemp((dir) => {
    const plan = join(dir, 'plan')
    writeFileSync(plan, JSON.stringify(planOf(['--userns', 'true'])))
    const refused =
      'nsbox: id maps: open: /proc/self: No such file or directory (ENOENT)\nhint: this /proc belongs to another pid namespace: mount a new one first, as unshare --mount-proc does\n'
    const others =
      'mkdir -p "$3"; unshare -pf sh -c \'mount -t proc proc "$0"; exec sleep 1000\' "$3" & until [ -e "$3/uptime" ]; do sleep 0.01; done; unshare -m sh -c \'mount --bind "$3" /proc; exec "$1" --plan "$2"\' "$0" "$1" "$2" "$3"; echo $?'
    const copy =
      'mkdir -p "$3"; set -- "$1" "$2" "$3" ${strangers%%[!0-9]*}; unshare -m sh -c \'mount --rbind /proc "$3"; mount -t tmpfs tmpfs /proc; ln -s "$3/$4" /proc/self; exec "$1" --plan "$2"\' "$0" "$1" "$2" "$3" "$4"; echo $?'
    for (const script of [others, copy]) {
      const { stdout, stderr } = amongStrangers(script, plan, join(dir, 'proc'))
      assert.is(stdout, `125\n${UNTOUCHED}`, stderr)
      assert.is(stderr, refused)
    }
  }),
)

onlyRoot(
  "a number of a process means nothing where /proc is another pid namespace's: enter refuses it (needs root)",
  inTemp((dir) => {
    const plan = join(dir, 'plan')
    const [, command = ''] = /(\d+)/.exec(execute('sh', ['-c', 'echo $$']).stdout) ?? []
    writeFileSync(
      plan,
      JSON.stringify({
        contract: (planOf(['true']) as unknown as { contract: number }).contract,
        namespaces: ['user', 'mount'],
        enter: { pid: Number(command), started: 1 },
        process: { argv: ['id'] },
      }),
    )
    const words =
      /^nsbox: enter: process numbers in \/proc are not ours: \/proc\nhint: this \/proc belongs to another pid namespace: /
    failure(
      execute('unshare', [
        '-pf',
        'sh',
        '-c',
        '"$0" sleep 1000 & "$0" enter $! true; status=$?; kill $!; exit $status',
        NSBOX,
      ]),
      words,
    )
    failure(execute('unshare', ['-pf', SIDECAR, '--plan', plan]), words)
    const library = `import { box } from '${join(import.meta.dir, '../../src/index.ts')}'; await box().open().catch(({ message, hint }) => console.log(\`nsbox: \${message}\\nhint: \${hint}\`))`
    assert.match(execute('unshare', ['-pf', process.execPath, '-e', library]).stdout, words)
  }),
)

test('CVE-2026-30892: an id is a decimal number, all of it, or it is refused', () => {
  const odd = [
    '',
    ' ',
    '-1',
    '+1',
    '01',
    '0x0',
    '1e3',
    '1.0',
    '0b1',
    '1_000',
    ' 5',
    '5 ',
    '5\n',
    '5a',
    '٥',
    '５',
    '4294967295',
    '4294967296',
    '18446744073709551616',
    '1:',
    ':1',
    '1:2:3',
    '1:-1',
    '1: 2',
    '-0',
    '1,2',
    '0/0',
    '1\t',
    '1:0x1',
    '1:4294967295',
    '--',
    '%d',
    '\u00a05',
    '1:\u200b2',
  ]
  for (const text of odd)
    assert.throws(
      () => parse(['--user', text, 'true']),
      (error: Error) => error.name === 'UsageError',
      JSON.stringify(text),
    )
  for (const [text, user] of [
    ['0', { user: 0 }],
    ['4294967294:0', { user: 4294967294, group: 0 }],
    // Names, which no passwd has.
    ['NaN', { user: 'NaN' }],
    ['1:Infinity', { user: 1, group: 'Infinity' }],
  ] as const)
    assert.equal((parse(['--user', text, 'true']) as { options: { user: object } }).options.user, user)
  // The sidecar takes plans from anybody, and refuses texts and other forms of numbers.
  const plan = JSON.stringify(planOf(['--user', '5:6', 'true']))
  const fields = asRoot
    ? ([
        ['"uid":5', '"uid":'],
        ['"gid":6', '"gid":'],
      ] as const)
    : ([['"inside":5', '"inside":']] as const)
  for (const [field, key] of fields) {
    assert.ok(plan.includes(field))
    for (const value of ['"5"', '-1', '5.0', '5e0', '05', '4294967295', '1e99', 'null', 'true', '[5]'])
      assert.is(sidecar(plan.replace(field, key + value), ['--check']).status, 125, value)
  }
})

test.run()
