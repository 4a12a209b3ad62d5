/** Id maps need ranges, subuid(5), and two programs with privilege. */
import { note, ok, type Result } from '../check.ts'
import { initialUserNamespace, privileged, statusField } from '../facts.ts'
import type { Host } from '../host.ts'

export function subIds(host: Host): Result {
  const lacking = ['/etc/subuid', '/etc/subgid'].filter((file) => subIdCount(host, file) === 0)
  if (lacking.length === 0)
    return ok(
      `${host.user} has ${subIdCount(host, '/etc/subuid')} user ids and ${subIdCount(host, '/etc/subgid')} group ids`,
    )
  return note(
    `${lacking.join(' and ')} ${lacking.length === 1 ? 'has' : 'have'} none for ${host.user}`,
    '--map-auto will not work',
    `sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${host.user}`,
  )
}

/** Number of ids that FILE (subuid(5)) gives to the user, by name or by number. */
function subIdCount(host: Host, file: string): number {
  let count = 0
  for (const line of (host.readFile(file) ?? '').split('\n')) {
    const [owner, , amount] = line.split(':')
    if (owner === host.user || owner === String(host.uid)) count += Number(amount) || 0
  }
  return count
}

export function mapHelpers(host: Host): Result {
  if (privileged(host) && initialUserNamespace(host)) return ok('not needed: root writes id maps itself')
  // Then the helper's mode is not to blame; in a user namespace its owner shows as nobody.
  const powerless = statusField(host, 'NoNewPrivs') === '1'
  const bad = ['newuidmap', 'newgidmap']
    .map((name) => helperTrouble(host, name, powerless))
    .filter((text) => text !== undefined)
  if (bad.length > 0)
    return note(
      bad.join('; '),
      '--map-auto will not work',
      'sudo apt install --reinstall uidmap    (Debian, Ubuntu; elsewhere: shadow-utils or shadow)',
    )
  if (powerless) return note('present, but no_new_privs takes their privilege', '--map-auto will not work from here')
  return ok('newuidmap and newgidmap are present, with the privilege that they need')
}

function helperTrouble(host: Host, name: string, powerless: boolean): string | undefined {
  const path = [...(host.env.PATH ?? '').split(':').filter((dir) => dir.startsWith('/')), '/usr/bin', '/bin']
    .map((dir) => `${dir}/${name}`)
    .find((file) => host.exists(file))
  if (path === undefined) return `${name} is not installed`
  if (powerless) return undefined
  const { mode = 0, uid = -1 } = host.stat(path) ?? {}
  if ((mode & 0o4000) !== 0 && uid === 0) return undefined
  const caps = host.run('getcap', [path]) ?? host.run('/usr/sbin/getcap', [path]) ?? host.run('/sbin/getcap', [path])
  return caps?.stdout.includes('cap_set') ? undefined : `${path} is neither setuid root nor has a file capability`
}

export function noNewPrivs(host: Host): Result {
  return statusField(host, 'NoNewPrivs') === '1'
    ? note('already set for the caller', 'setuid programs give nothing here, in a box and outside')
    : ok('not set for the caller; a box sets it')
}
