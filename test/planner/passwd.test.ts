/** Users and groups of the box's own files. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { SandboxError } from '../../src/errors.ts'
import type { UserRequest } from '../../src/options/types.ts'
import { accountIn, shellIn } from '../../src/planner/passwd.ts'
import { host } from './machine.ts'
import type { Root } from '../../src/plan/types.ts'
import { inTemp } from '../helpers/nsbox.ts'

const PASSWD = `root:x:0:0:root:/root:/bin/bash
# a comment:x:5:5::/:

app:x:1000:1000:An app,,,:/srv/app:/usr/sbin/nologin
bob:x:1001:100:Bob:relative:/opt/shell
short:x:7:8
mémoire:x:12:12::/m:
twice:x:20:20::/first:
twice:x:21:21::/second:
big:x:4294967294:4294967294::/:
same:x:1000:77::/same:
`
const GROUP = `root:x:0:
users:x:100:app,bob
adm:x:4:bob
wheel:x:10:root,bobby,bob
nobody:x:65534:bob,bob
empty:x:50:
`

const rootIn = (dir: string, passwd: string | null = PASSWD, group: string | null = GROUP): Root => {
  const path = join(dir, `root${Math.random()}`)
  mkdirSync(join(path, 'etc'), { recursive: true })
  if (passwd !== null) writeFileSync(join(path, 'etc/passwd'), passwd)
  if (group !== null) writeFileSync(join(path, 'etc/group'), group)
  return { type: 'directory', path }
}
const refused = (root: Root, request: UserRequest, message: RegExp, hint?: string) =>
  assert.throws(
    () => accountIn(root, [], request, host()),
    (error: unknown) =>
      error instanceof SandboxError && message.test(error.message) && (hint === undefined || error.hint === hint),
    JSON.stringify(request),
  )

test(
  'a name has the ids, groups and home of its line',
  inTemp((dir) => {
    const root = rootIn(dir)
    const of = (user: number | string, group?: number | string) =>
      accountIn(root, [], { user, ...(group !== undefined && { group }) }, host())
    assert.equal(of('app'), { uid: 1000, gid: 1000, groups: [1000, 100], home: '/srv/app' })
    assert.equal(of('bob'), { uid: 1001, gid: 100, groups: [100, 4, 10, 65534], home: undefined })
    assert.equal(of('short'), { uid: 7, gid: 8, groups: [8], home: undefined })
    assert.equal(of('mémoire'), { uid: 12, gid: 12, groups: [12], home: '/m' })
    assert.equal(of('twice'), { uid: 20, gid: 20, groups: [20], home: '/first' })
    assert.equal(of('big').uid, 4294967294)
    // A named group stands alone, as in container engines.
    assert.equal(of('bob', 'empty'), { uid: 1001, gid: 50, groups: [], home: undefined })
    assert.equal(of('app', 33), { uid: 1000, gid: 33, groups: [], home: '/srv/app' })
    assert.equal(of(1001, 'wheel'), { uid: 1001, gid: 10, groups: [], home: undefined })
    assert.equal(of(1000), { uid: 1000, gid: 1000, groups: [], home: '/srv/app' })
  }),
)

test(
  'the configuration of an image means the line of a number, and group 0 without one',
  inTemp((dir) => {
    const root = rootIn(dir)
    const of = (user: number | string, group?: number | string) =>
      accountIn(root, [], { user, likeImage: true, ...(group !== undefined && { group }) }, host())
    assert.equal(of(1001), { uid: 1001, gid: 100, groups: [100, 4, 10, 65534], home: undefined })
    assert.equal(of(1000), { uid: 1000, gid: 1000, groups: [1000, 100], home: '/srv/app' })
    assert.equal(of(4711), { uid: 4711, gid: 0, groups: [], home: undefined })
    assert.equal(of(0, 0), { uid: 0, gid: 0, groups: [], home: '/root' })
    assert.equal(accountIn({ type: 'empty' }, [], { user: 5, likeImage: true }, host()), {
      uid: 5,
      gid: 0,
      groups: [],
      home: undefined,
    })
  }),
)

test(
  'an unknown name is an error with the nearest one',
  inTemp((dir) => {
    const root = rootIn(dir)
    refused(root, { user: 'ap' }, /^user: the box has no user 'ap': .*\/etc\/passwd$/, 'the nearest is app')
    refused(root, { user: 'zzzz' }, /no user 'zzzz'/, 'a number needs no name: --user UID:GID')
    refused(
      root,
      { user: 'app', group: 'whee' },
      /^user: the box has no group 'whee': .*\/etc\/group$/,
      'the nearest is wheel',
    )
    refused(root, { user: '# a comment' }, /no user/)
    refused(root, { user: '' }, /no user/)
    refused(rootIn(dir, null), { user: 'app' }, /^user: no user 'app': the box has no such file: .*\/etc\/passwd$/)
    refused(rootIn(dir, PASSWD, null), { user: 'app', group: 'adm' }, /^user: no group 'adm': the box has no such file/)
    assert.equal(accountIn(rootIn(dir, PASSWD, null), [], { user: 'app' }, host()).groups, [1000])
  }),
)

test(
  'CVE-2026-30892: a line whose ids are not plain numbers is an error, and no other user',
  inTemp((dir) => {
    for (const id of ['', '-1', '+5', '0x0', '00', ' 0', '0 ', '1e3', '4294967295', '99999999999', '٣', 'root']) {
      refused(rootIn(dir, `a:x:0:0::/:\nbad:x:${id}:5::/:\n`), { user: 'bad' }, /^user: line 2 is not of the form/)
      refused(rootIn(dir, `bad:x:5:${id}::/:\n`), { user: 'bad' }, /^user: line 1 is not of the form/)
      refused(rootIn(dir, PASSWD, `x:x:${id}:\n`), { user: 'app', group: 'x' }, /^user: line 1 is not of the form/)
      refused(rootIn(dir, PASSWD, `x:x:${id}:app\n`), { user: 'app' }, /^user: line 1 is not of the form/)
    }
    refused(rootIn(dir, 'bad:x:1:1::/:/bin/sh:more\n'), { user: 'bad' }, /line 1 is not of the form/)
    refused(rootIn(dir, 'bad\n'), { user: 'bad' }, /line 1 is not of the form/)
    const member = `${Array.from({ length: 65537 }, (_, n) => `:x:${n}:a`).join('\n')}\n`
    refused(rootIn(dir, 'a:x:1:1::/:\n', member), { user: 'a' }, /a is in 65537 groups, and the kernel takes 65536/)
  }),
)

test(
  'the shell of a user is the one of passwd, unless that refuses or is not there',
  inTemp((dir) => {
    const root = rootIn(dir)
    const { path } = root as { path: string }
    for (const name of ['bin', 'opt', 'usr/sbin']) mkdirSync(join(path, name), { recursive: true })
    const shell = (uid: number) => shellIn(root, [], uid, host())
    assert.equal(shell(0), { shell: undefined, home: '/root' })
    writeFileSync(join(path, 'bin/sh'), '', { mode: 0o755 })
    assert.equal(shell(0), { shell: '/bin/sh', home: '/root' })
    writeFileSync(join(path, 'bin/bash'), '', { mode: 0o755 })
    writeFileSync(join(path, 'opt/shell'), '', { mode: 0o755 })
    writeFileSync(join(path, 'usr/sbin/nologin'), '', { mode: 0o755 })
    assert.is(shell(1001).shell, '/opt/shell')
    assert.equal(shell(1000), { shell: '/bin/bash', home: '/srv/app' })
    assert.equal(shell(4711), { shell: '/bin/bash', home: undefined })
  }),
)

test.run()
