// seconds: 240
/** Images that others have made for other ends: each is refused with a sentence, or works. */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { cacheEnv, layersIn } from '../helpers/image-cache.ts'
import { inTemp, nsbox, type Ran } from '../helpers/nsbox.ts'

const IMAGES = resolve(import.meta.dir, '../../dist/foreign-images')
const INSTALLER = 'debian-installer-12-netboot-amd64'

/** A test with a file of a package, or a skipped one that says why the package can't be had. */
function withFile(name: string, from: string, file: string, body: (path: string, dir: string) => void): void {
  const reason = join(IMAGES, `${from}.skipped`)
  const path = join(IMAGES, file)
  if (existsSync(path))
    return test(
      name,
      inTemp((dir) => body(path, dir)),
    )
  const why = existsSync(reason) ? readFileSync(reason, 'utf8').trim() : 'make test brings it'
  test.skip(`${name} (${from}: ${why})`, () => {})
}

const run = (dir: string, ...args: string[]): Ran => nsbox(args, { env: cacheEnv(dir) })

const WITHOUT =
  /: no live system in it: looked for casper\/, live\/, LiveOS\/, arch\/: .*\nhint: .*take the live edition/
const OTHER = (what: string) => new RegExp(`: is ${what}, which nsbox does not read: .*\\nhint: it reads tar `)
const REFUSED: readonly [from: string, file: string, RegExp][] = [
  ['memtest86+', 'memtest86+x64.iso', WITHOUT],
  ['memtest86+', 'memtest86+x64.bin', OTHER('a kernel, or another program that boots by itself')],
  ['grub-rescue-pc', 'grub-rescue-cdrom.iso', WITHOUT],
  ['grub-rescue-pc', 'grub-rescue-floppy.img', WITHOUT],
  ['ipxe', 'ipxe.iso', WITHOUT],
  ['ipxe', 'ipxe.efi', OTHER('a program for EFI or Windows')],
  [INSTALLER, 'linux', OTHER('a kernel, or another program that boots by itself')],
]

for (const [from, file, message] of REFUSED)
  withFile(`${file} has no system in it, and says so`, from, file, (path, dir) => {
    const { status, stdout, stderr } = run(dir, '--image', path, 'true')
    assert.equal([status, stdout], [125, ''])
    assert.match(stderr, message)
    assert.match(stderr, /^nsbox: image: [^\n]*\nhint: [^\n]*\n$/)
    assert.equal(layersIn(dir), [])
  })

withFile("the installer's initrd is an image, without its device nodes", INSTALLER, 'initrd.gz', (path, dir) => {
  const { status, stdout, stderr } = run(dir, '--quiet', '--image', path, '--', '/bin/busybox', 'ls', '/')
  assert.is(status, 0, stderr)
  for (const name of ['bin', 'init', 'lib', 'usr']) assert.ok(stdout.split('\n').includes(name), stdout)
  const told = run(dir, '--image', path, '--', '/bin/cat', '/etc/lsb-release')
  assert.equal([told.status, told.stderr], [0, ''])
  assert.match(told.stdout, /Debian/)
})

test.run()
