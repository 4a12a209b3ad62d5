/** How nsbox becomes the box. */
import { errnoText } from '../../host/errno.ts'
import { note, ok, type Result } from '../check.ts'
import { mountOf, mounts, type MountLine } from '../facts.ts'
import type { Host } from '../host.ts'

export function handOver(host: Host): Result {
  if (host.readFile('/proc/sys/vm/memfd_noexec')?.trim() !== '2') return ok('a file in memory becomes the box')
  const list = mounts(host)
  const dirs = ['/dev/shm', host.env.XDG_RUNTIME_DIR, host.env.TMPDIR, '/tmp'].filter((dir) =>
    dir?.startsWith('/'),
  ) as string[]
  const tried = [...new Set(dirs)].map((dir) => ({ dir, trouble: handOverTrouble(host, list, dir) }))
  const good = tried.find(({ trouble }) => trouble === undefined)
  const bad = tried
    .filter(({ trouble }) => trouble !== undefined)
    .map(({ dir, trouble }) => `${dir}: ${trouble}`)
    .join('; ')
  if (good !== undefined)
    return ok(`${good.dir} takes the executable file that becomes the box${bad === '' ? '' : ` (${bad})`}`)
  return note(
    bad,
    'the kernel executes no file in memory (vm.memfd_noexec=2), and no file that nsbox makes: a box is started by nsbox-sidecar beside nsbox',
    'TMPDIR=DIR nsbox ...    where DIR is writable and not noexec',
  )
}

function handOverTrouble(host: Host, list: readonly MountLine[], dir: string): string | undefined {
  if (!host.exists(dir)) return 'is not there'
  if (mountOf(list, dir)?.options.includes('noexec')) return 'noexec'
  const code = host.tryTmpfile(dir)
  return code === undefined ? undefined : `${errnoText(code) ?? 'failed'} (${code})`
}
