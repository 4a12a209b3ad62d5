/** A root of one's own with the host's names: resolv.conf, hosts and hostname. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { busyboxRoot, inTemp, INTERFACES, nsbox } from '../helpers/nsbox.ts'

const host = (path: string) => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

for (const { name, box } of INTERFACES) {
  test(
    `a root shows the host's resolv.conf and the box's name, and its own files stay as they are: ${name}`,
    inTemp((dir) => {
      const root = busyboxRoot(join(dir, 'r'))
      mkdirSync(join(root, 'etc'))
      writeFileSync(join(root, 'etc/hosts'), 'of the root\n')
      // As Ubuntu has it: the file behind the link is made when a system boots.
      symlinkSync('../run/systemd/resolve/stub-resolv.conf', join(root, 'etc/resolv.conf'))
      const script = 'cat /etc/resolv.conf; echo --; cat /etc/hosts; echo --; cat /etc/hostname; echo x >>/etc/hosts'
      const { status, stdout, stderr } = box([
        ...['--root', root, '--host-files', '--hostname', 'box-of-mine', 'sh', '-c', script],
      ])
      assert.equal([status, stderr], [0, ''])
      const [resolv, hosts = '', hostname] = stdout.split('--\n')
      assert.is(resolv, host('/etc/resolv.conf'))
      assert.ok(hosts.startsWith(host('/etc/hosts')), hosts)
      assert.match(hosts, /^127\.0\.1\.1 box-of-mine$/m)
      assert.is(hostname, 'box-of-mine\n')
      assert.is(host(join(root, 'etc/hosts')), 'of the root\n')
      assert.not.match(host('/etc/hosts'), /box-of-mine/)
    }),
  )
}

test(
  'with --ro and with an overlay nothing is made in the root at all',
  inTemp((dir) => {
    for (const [n, how] of ['--overlay', '--ro'].entries()) {
      const root = busyboxRoot(join(dir, `r${n}`), ['proc', 'dev', 'etc'])
      for (const file of how === '--ro' ? ['resolv.conf', 'hosts', 'hostname'] : [])
        writeFileSync(join(root, 'etc', file), '')
      const { status, stdout, stderr } = nsbox(['--root', root, how, '--host-files', 'cat', '/etc/hostname'])
      assert.equal([status, stdout, stderr], [0, host('/proc/sys/kernel/hostname'), ''])
      assert.is(host(join(root, 'etc/hostname')), '')
    }
  }),
)

test('the options say where they do nothing', () => {
  const rows: [args: string[], message: RegExp][] = [
    [['--host-files'], /^nsbox: --host-files: the box sees the host's own files\nhint: /],
    [['--root', '/', '--host-files'], /^nsbox: --host-files: the box sees the host's own files\nhint: /],
    [['--root', '/usr', '--no-host-files'], /^nsbox: --no-host-files: only the box of an image /],
    [['--root', '/usr', '--host-files=time'], /^nsbox: --host-files: 'time' must be one of localtime\n/],
  ]
  for (const [args, message] of rows) {
    const { status, stderr } = nsbox([...args, 'true'])
    assert.equal([status, message.test(stderr)], [2, true], `${args.join(' ')}: ${stderr}`)
  }
})

test.run()
