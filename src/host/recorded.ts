/**
 * Records what a plan depends on: each look at the host, with its answer. native/remember.h compares the answers at a
 * later start. What it can't compare makes the record void, and the plan is then not remembered.
 */
import { toBytes } from '../text/bytes.ts'
import { I386_SETTING } from './bun.ts'
import { sha256 } from './sha256.ts'
import type { FileKind, HostFacts, Looked } from './types.ts'

/** Variables that native/remember.h compares: those that say where nsbox's own directories are. */
export const REMEMBERED_VARIABLES = [
  'HOME',
  'NSBOX_CACHE',
  'XDG_CACHE_HOME',
  'XDG_CONFIG_HOME',
  'XDG_RUNTIME_DIR',
  'XDG_STATE_HOME',
] as const

export type Recorded = {
  host: HostFacts
  /**
   * The looks so far, as native/looks.h reads them: a letter for the kind, then the path; for some the answer follows
   * as a text of its own. Undefined where a later start can't repeat one of them.
   */
  looks(): string[] | undefined
}

/** Whether a look's error was asked for by name; without that, any error has the same effect on the plan. */
type Look = { path: string; follow: boolean; answer: 'd' | 'o' | 'e' | 'n' }

/** More names of a directory, or bytes of a file, take a later start too long to compare. */
const MOST_NAMES = 200
const MOST_CONTENT = 1 << 20

/** HOST with a record of what is looked at. The ids and the machine aren't recorded: every record is for one of each. */
export function recorded(host: HostFacts): Recorded {
  /** By the letter and the path; the value is the answer, where it is a text of its own. */
  const texts = new Map<string, string | undefined>()
  const looked: Look[] = []
  let isVoid = false
  const unrepeatable = <T>(value: T): T => {
    isVoid = true
    return value
  }
  const note = (text: string, answer?: string): void => {
    if (texts.has(text) && texts.get(text) !== answer) isVoid = true
    texts.set(text, answer)
  }
  const kind = (path: string): FileKind | undefined => {
    const found = host.kind(path)
    note(`k${found === undefined ? '-' : found[0]}${path}`)
    return found
  }
  const noteContent = (path: string, text: string): void => {
    const bytes = toBytes(text)
    if (bytes.length > MOST_CONTENT) isVoid = true
    else note(`r${path}`, sha256(bytes))
  }
  return {
    host: {
      machine: host.machine,
      uid: host.uid,
      gid: host.gid,
      get cwd() {
        try {
          const { cwd } = host
          note(`c${cwd}`)
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
      isLink: (path) => kind(path) === 'link',
      kind,
      linkText(path) {
        const text = host.linkText(path)
        if (text === undefined) return unrepeatable(text)
        note(`l${path}`, text)
        return text
      },
      directoriesIn(path) {
        const names = host.directoriesIn(path)
        if (names.length > MOST_NAMES) isVoid = true
        note(`i${path}`, names.join('/'))
        return names
      },
      realPath(path) {
        const real = host.realPath(path)
        if (real === undefined) note(`q${path}`)
        else note(`p${path}`, real)
        return real
      },
      read(path) {
        const found = host.read(path)
        if ('text' in found) noteContent(path, found.text)
        // As `look` notes what isn't there.
        else if (found.code === 'ENOENT') note(`N${path}`)
        else isVoid = true
        return found
      },
      isKernel(major, minor) {
        const is = host.isKernel(major, minor)
        note(`${is ? 'v' : 'w'}${major}.${minor}`)
        return is
      },
      hasRead: noteContent,
      hasTerminal() {
        const has = host.hasTerminal()
        note(has ? 'y' : 'z')
        return has
      },
      opensFiles: () => unrepeatable(host.opensFiles()),
      changed: () => host.changed(),
    },
    looks() {
      for (const { path, follow, answer } of looked.splice(0)) note((follow ? answer.toUpperCase() : answer) + path)
      const all: string[] = []
      for (const [text, answer] of texts) {
        all.push(text)
        if (answer !== undefined) all.push(answer)
      }
      for (const text of all) if (!text.isWellFormed()) isVoid = true
      return isVoid ? undefined : all
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
