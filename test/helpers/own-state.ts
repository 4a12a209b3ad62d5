/** Root's reviews lie in a fixed place: in a test, on a layer over it. The runner gives each file its own mounts. */
import { execFileSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { asRoot } from './nsbox.ts'

const SCRIPT = `
exec 9</var/lib
mount -t tmpfs -o mode=755 tmpfs /var/lib && mkdir /var/lib/up /var/lib/work &&
  mount -t overlay -o lowerdir=/proc/self/fd/9,upperdir=/var/lib/up,workdir=/var/lib/work overlay /var/lib &&
  mkdir -p /var/lib/nsbox && mount -t tmpfs -o mode=700 tmpfs /var/lib/nsbox`

export function ownState(): void {
  // The runner has mounted something there, in a mount namespace of its own.
  if (asRoot && statSync('/var/cache').dev === statSync('/var').dev)
    throw new Error("this test mounts, and not on the machine: make test T='its path'")
  if (asRoot) execFileSync('sh', ['-c', SCRIPT], { stdio: ['ignore', 'ignore', 'inherit'] })
}
