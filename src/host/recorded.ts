/**
 * Records what a plan depends on: each look at the host, with its answer. native/remember.h compares the answers at a
 * later start. What it can't compare makes the record void, and the plan is then not remembered.
 */
import { I386_SETTING } from './bun.ts'
import type { HostFacts, Looked } from './types.ts'

/** Variables that native/remember.h compares: those that say where nsbox's own directories are. */
export const REMEMBERED_VARIABLES = [
  'HOME',
  'NSBOX_CACHE',
  'XDG_CACHE_HOME',
  'XDG_CONFIG_HOME',
  'XDG_RUNTIME_DIR',
  'XDG_STATE_HOME',
] as const

type Recorded = {
  host: HostFacts
  /**
   * The looks so far, as native/remember.h reads them: a letter for the kind, then the path; for 'r' the content
   * follows. Undefined where a later start can't repeat one of them.
   */
  looks(): string[] | undefined
}

/** Whether a look's error was asked for by name; without that, any error has the same effect on the plan. */
type Look = { path: string; follow: boolean; answer: 'd' | 'o' | 'e' | 'n' }

/** HOST with a record of what is looked at. The ids and the machine aren't recorded: every record is for one of each. */
export function recorded(host: HostFacts): Recorded {
  const texts: string[] = []
  const looked: Look[] = []
  let isVoid = false
  const unrepeatable = <T>(value: T): T => {
    isVoid = true
    return value
  }
  return {
    host: {
      machine: host.machine,
      uid: host.uid,
      gid: host.gid,
      get cwd() {
        try {
          const { cwd } = host
          texts.push(`c${cwd}`)
          return cwd
        } catch (error) {
          throw unrepeatable(error)
        }
      },
      get env() {
        return unrepeatable(host.env)
      },
      variable(name) {
        for (const known of REMEMBERED_VARIABLES) if (known === name) return host.variable(name)
        return unrepeatable(host.variable(name))
      },
      look(path, follow) {
        const look: Look = { path, follow, answer: 'e' }
        looked.push(look)
        return noted(host.look(path, follow), look, () => unrepeatable(undefined))
      },
      runsI386() {
        // Another machine never does, and has no such file.
        const runs = host.runsI386()
        looked.push({ path: I386_SETTING, follow: true, answer: runs ? 'o' : 'e' })
        return runs
      },
      isLink: (path) => unrepeatable(host.isLink(path)),
      realPath: (path) => unrepeatable(host.realPath(path)),
      read(path) {
        const found = host.read(path)
        if ('code' in found || found.text.includes('\0')) return unrepeatable(found)
        texts.push(`r${path}`, found.text)
        return found
      },
      isKernel: (major, minor) => unrepeatable(host.isKernel(major, minor)),
      opensFiles: () => unrepeatable(host.opensFiles()),
      changed: () => host.changed(),
    },
    looks() {
      for (const { path, follow, answer } of looked.splice(0))
        texts.push((follow ? answer.toUpperCase() : answer) + path)
      for (const text of texts) if (!text.isWellFormed()) isVoid = true
      return isVoid ? undefined : texts
    },
  }
}

/** Notes the answer in LOOK; an error's name only when it is read. */
function noted(found: Looked, look: Look, unknown: () => void): Looked {
  if (typeof found === 'string') {
    look.answer = found === 'directory' ? 'd' : 'o'
    return found
  }
  return {
    get code() {
      const { code } = found
      if (code === 'ENOENT') look.answer = 'n'
      else unknown()
      return code
    },
  }
}
