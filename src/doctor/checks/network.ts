/** Networks of a box's own that lead somewhere. */
import { note, ok, type Result } from '../check.ts'
import { errorOf, failures } from '../try-box.ts'
import type { Host } from '../host.ts'

/** A box with such a network is started; nothing in it asks for a name. */
export function namedHosts(host: Host): Result {
  const tried = failures(host, ['--allow-host', 'example.invalid'])
  if (tried === undefined || (tried.status === 0 && tried.list.length === 0))
    return ok('a box can reach hosts by their names alone (--allow-host), and its ports can be published')
  const [said = ''] = tried.stderr.split('\n').filter((line) => line.startsWith('nsbox: network: '))
  const [failure] = tried.list
  const cause = said.replace('nsbox: network: ', '') || (failure === undefined ? 'the box ended' : errorOf(failure))
  return note(cause, '--allow-host and --publish will not work', ...(/veth/.test(cause) ? ['sudo modprobe veth'] : []))
}

/** A box with such a network is started, which takes pasta, /dev/net/tun, veth, and a default route. */
export function allHosts(host: Host): Result {
  const tried = failures(host, ['--net', 'user'])
  if (tried === undefined || (tried.status === 0 && tried.list.length === 0))
    return ok("a box can reach what this machine does, without this machine's loopback (--net user)")
  const failure = tried.list.find(({ what }) => what !== undefined)
  const [said] = tried.stderr.split('\n').filter((line) => line.startsWith('nsbox: '))
  const cause = failure === undefined ? (said ?? 'the box ended') : errorOf(failure)
  const fix = failure?.hint === undefined ? [] : [failure.hint]
  return note(cause.replace('nsbox: network: ', ''), '--net user will not work', ...fix)
}
