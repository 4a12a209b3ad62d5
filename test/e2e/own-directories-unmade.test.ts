/** Where nsbox can't make an own directory and the box could make it later, no box starts. */
import { chmodSync, chownSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot, execute, inTemp, NSBOX, SIDECAR } from '../helpers/nsbox.ts'

/** The message where an own directory can't be made and the box could make it later. */
const couldMake = (own: string, cause: string) =>
  `nsbox: mounts: make: ${own}: ${cause}\nhint: the box could make it later, and nsbox trusts what it finds there: make it first, or use --ro\n`

test(
  'on a full disk no box starts that could make an own directory when there is room again',
  inTemp((dir) => {
    mkdirSync(join(dir, 'disk'))
    const own = join(dir, 'disk/.config/nsbox')
    const script = `mount -t tmpfs -o mode=755,nr_inodes=$1 disk ${dir}/disk && mkdir ${dir}/disk/.config && exec "$2" --plan-fd 0`
    const run = (inodes: number, ...options: string[]) => {
      const unshare = asRoot ? ['-m'] : ['-rm']
      const made = execute('unshare', [...unshare, NSBOX, 'plan', ...options, '--cwd', '/', 'ls', '-d', own])
      assert.is(made.status, 0, made.stderr)
      const plan = JSON.stringify({ ...JSON.parse(made.stdout), own: [own] })
      return execute('unshare', [...unshare, 'sh', '-c', script, 'sh', String(inodes), SIDECAR], { input: plan })
    }
    const full = run(2)
    assert.is(full.stderr, couldMake(own, 'No space left on device (ENOSPC)'))
    assert.is(full.status, 125)
    assert.is(run(2, '--ro').stderr.includes('nsbox:'), false, 'a box that can write nothing needs no room')
    const { stdout, stderr } = run(3)
    assert.is(stdout, `${own}\n`, stderr)
  }),
)

if (asRoot) {
  test(
    'an own directory that can only be made by a change of the mode above, which the box can do, is made first or by nobody',
    inTemp((dir) => {
      const home = join(dir, 'home')
      const own = `${home}/.config/nsbox`
      mkdirSync(join(home, '.config'), { recursive: true })
      for (const path of [dir, home, join(home, '.config')]) chmodSync(path, 0o755)
      const uid = 54321
      chownSync(home, uid, uid)
      // No user namespace of this user maps the group, so the box has no capability over the directory, but owns it.
      chownSync(join(home, '.config'), uid, 54399)
      chmodSync(join(home, '.config'), 0o555)
      const run = (user: number, ...args: string[]) =>
        execute('setpriv', ['--reuid', `${user}`, '--regid', `${user}`, '--clear-groups', NSBOX, ...args], {
          cwd: '/',
          // A plan that is remembered would make the cache.
          env: { PATH: process.env.PATH, HOME: home, NSBOX_REMEMBER: '0' },
        })
      const attempt = ['--cwd', '/', 'sh', '-c', `chmod 755 ${home}/.config; mkdir -p ${own}/x; ls ${home}/.config`]
      const refused = run(uid, ...attempt)
      assert.is(refused.stderr, couldMake(own, 'Permission denied (EACCES)'))
      assert.is(refused.status, 125)
      assert.is(run(uid, '--ro', ...attempt).stdout, '')
      assert.equal(readdirSync(home), ['.config'])
      // Once it is there, the box starts, and can't change it.
      mkdirSync(own, { mode: 0o700 })
      chownSync(own, uid, uid)
      assert.is(run(uid, ...attempt).stdout, 'nsbox\n')
      assert.equal(readdirSync(own), [])
      // Another user can't change the mode. For nobody, the owners of all that isn't mapped are nobody, too.
      rmSync(own, { recursive: true })
      for (const user of [54322, 65534]) {
        const { status, stderr } = run(user, '--cwd', '/', 'true')
        assert.is(status, 0, stderr)
      }
    }),
  )
}

test.run()
