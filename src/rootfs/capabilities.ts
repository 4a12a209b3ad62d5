/**
 * Which files have capabilities. They are an extended attribute, which the runtime can't read, so getcap(8) of the host
 * does.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const GETCAP = ['/usr/sbin/getcap', '/sbin/getcap', '/usr/bin/getcap']
/** Paths for one call, whose length the kernel limits. */
const AT_ONCE = 500

/** Those of the paths that have capabilities; undefined where the host has no getcap. */
export function withCapabilities(paths: readonly string[]): string[] | undefined {
  const program = GETCAP.find((path) => existsSync(path))
  if (program === undefined) return undefined
  const found: string[] = []
  for (let at = 0; at < paths.length; at += AT_ONCE) {
    const some = paths.slice(at, at + AT_ONCE)
    const { stdout } = spawnSync(program, some, { encoding: 'utf8', env: {} })
    // A line is `PATH cap_net_raw=ep`, with a "= " before the capabilities in older versions.
    const lines = (stdout ?? '').split('\n')
    found.push(...some.filter((path) => lines.some((line) => line.startsWith(`${path} `))))
  }
  return found
}
