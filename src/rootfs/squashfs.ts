/** Writes a root as a squashfs file, by mksquashfs, which reads the archive that tar.ts writes. */
import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync, renameSync, rmSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { basename, dirname, join } from 'node:path'
import { SandboxError } from '../errors.ts'
import { printable } from '../text/printable.ts'
import { failed } from './elf.ts'
import { type Entry, secondsOf } from './manifest.ts'
import { refuseOther, writeTar } from './tar.ts'

const PROGRAM = 'mksquashfs'
/** Administrators' programs aren't in everybody's PATH. */
const ADMINISTRATION = ['/usr/local/sbin', '/usr/sbin', '/sbin']
/** The archive has all owners, modes and times but those of the root itself. */
const OPTIONS = [
  '-tar',
  '-noappend',
  '-no-progress',
  '-no-xattrs',
  '-root-mode',
  '755',
  '-root-uid',
  '0',
  '-root-gid',
  '0',
]
/** A squashfs file has seconds since 1970 in 32 bits. */
const LATEST = 2 ** 32 - 1

/** Where mksquashfs is; throws before anything is read where it is missing or too old. */
export function findMksquashfs(path: string | undefined): string {
  const found = [...(path ?? '').split(':'), ...ADMINISTRATION]
    .filter((directory) => directory.startsWith('/'))
    .map((directory) => `${directory}/${PROGRAM}`)
    .find((file) => existsSync(file))
  if (found !== undefined) return found
  throw new SandboxError({
    step: 'rootfs',
    what: `a squashfs file is made by ${PROGRAM}, which was not found in PATH`,
    hint: 'it is in the package squashfs-tools; -o FILE.tar needs no program',
  })
}

/** Writes FILE, which only gets its name when it is complete. Returns the SHA-256 of each file in it by its path. */
export function writeSquashfs(file: string, entries: readonly Entry[], program: string): Map<string, string> {
  refuseOther(file)
  const draft = join(dirname(file), `.${basename(file)}-${randomBytes(8).toString('hex')}`)
  const archive = `${draft}.tar`
  try {
    const contents = writeTar(archive, entries)
    convert(program, archive, { draft, file, newest: newestOf(entries) })
    renameSync(draft, file)
    return contents
  } catch (error) {
    throw error instanceof SandboxError ? error : failed('cannot write the file', file, error)
  } finally {
    for (const path of [archive, draft]) rmSync(path, { force: true })
  }
}

/** In seconds since 1970. The archive has no times of directories that lead to a file alone. */
function newestOf(entries: readonly Entry[]): number {
  const times = entries.filter((entry) => entry.kind !== 'directory' || entry.timed).map(secondsOf)
  return times.reduce((newest, time) => Math.max(newest, Math.min(LATEST, time)), 0)
}

/**
 * The order of the archive is kept, also by several processors, so the same root gives the same file: its time, and
 * that of the root itself, become those of the newest file in it, as SOURCE_DATE_EPOCH asks for.
 */
function convert(program: string, archive: string, to: { draft: string; file: string; newest: number }): void {
  const input = openSync(archive, 'r')
  try {
    const { status, signal, stderr, error } = spawnSync(program, ['-', to.draft, ...OPTIONS], {
      stdio: [input, 'ignore', 'pipe'],
      encoding: 'utf8',
      env: { SOURCE_DATE_EPOCH: String(to.newest) },
    })
    if (error !== undefined) throw failed(`cannot run ${PROGRAM}`, program, error)
    if (status === 0) return
    const [line = ''] = stderr.split('\n').filter((text) => text !== '')
    throw new SandboxError({
      step: 'rootfs',
      what: `${PROGRAM} ended with ${signal ?? `status ${status}`}: ${printable(line)}`,
      path: to.file,
      hint: 'it has to read archives, as squashfs-tools do from 4.5 on',
    })
  } finally {
    closeSync(input)
  }
}
