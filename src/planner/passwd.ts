/** Users and groups by name, as the box itself knows them: its /etc/passwd and /etc/group, passwd(5) and group(5). */
import { SandboxError } from '../errors.ts'
import type { HostFacts } from '../host/types.ts'
import type { UserRequest } from '../options/types.ts'
import { MAX_GROUPS, MAX_ID } from '../plan/constants.ts'
import type { Mount, Root } from '../plan/types.ts'
import { nearest } from '../text/nearest.ts'
import { BoxFiles } from './in-root.ts'

export type Account = {
  uid: number
  gid: number
  /** Supplementary groups, `gid` first; empty where the group was named, as container engines do it. */
  groups: readonly number[]
  /** An absolute path; undefined where passwd has none. */
  home: string | undefined
}

type Opening = Pick<HostFacts, 'opensFiles'>

const PASSWD = '/etc/passwd'
const GROUP = '/etc/group'

/**
 * The ids of a user. A number without a group is its own group; with `likeImage` it has the group and the groups of its
 * line in passwd, or group 0 without one, as the configuration of an image means it. Throws SandboxError for an unknown
 * name.
 */
export function accountIn(root: Root, mounts: readonly Mount[], request: UserRequest, host: Opening): Account {
  return BoxFiles.with(root, mounts, host, (files) => {
    const { user, group, likeImage } = request
    const known = typeof user === 'string' ? userByName(user, files) : userById(user, files)
    const uid = typeof user === 'string' ? (known as User).uid : user
    const home = known?.home
    if (group !== undefined) return { uid, gid: groupId(group, files), groups: [], home }
    if (typeof user === 'number' && !likeImage) return { uid, gid: uid, groups: [], home }
    return known === undefined
      ? { uid, gid: 0, groups: [], home }
      : { uid, gid: known.gid, groups: groupsOf(known, files), home }
  })
}

/** Programs that stand in passwd in place of a shell, and only refuse. */
const NO_SHELL = /\/(nologin|false)$/

/** The shell of a user id, or another one that the box has, and the home directory. */
export function shellIn(
  root: Root,
  mounts: readonly Mount[],
  uid: number,
  host: Opening,
): { shell: string | undefined; home: string | undefined } {
  return BoxFiles.with(root, mounts, host, (files) => {
    const user = userById(uid, files)
    const own = user?.shell.startsWith('/') && !NO_SHELL.test(user.shell) ? [user.shell] : []
    return { shell: [...own, '/bin/bash', '/bin/sh'].find((path) => files.isExecutable(path)), home: user?.home }
  })
}

type User = { name: string; uid: number; gid: number; home: string | undefined; shell: string }

/** A line that is not empty, with its number, and its fields. */
type Line = { number: number; fields: readonly string[] }

function linesOf(text: string): Line[] {
  const lines: Line[] = []
  for (const [index, line] of text.split('\n').entries())
    if (line !== '' && !line.startsWith('#')) lines.push({ number: index + 1, fields: line.split(':') })
  return lines
}

/** Strict decimal, so that no odd number becomes another user: no sign, blank or other base, not even a leading zero. */
function idOf(text: string | undefined): number | undefined {
  return text !== undefined && /^(0|[1-9][0-9]{0,9})$/.test(text) && Number(text) <= MAX_ID ? Number(text) : undefined
}

/** NAME:PASSWORD:UID:GID:COMMENT:HOME:SHELL, of which some images leave out the end. */
function userOf({ fields }: Line): User | undefined {
  const [name = '', , uidText, gidText, , home = '', shell = ''] = fields
  const [uid, gid] = [idOf(uidText), idOf(gidText)]
  if (uid === undefined || gid === undefined || fields.length > 7) return undefined
  return { name, uid, gid, home: home.startsWith('/') ? home : undefined, shell }
}

function userByName(name: string, files: BoxFiles): User {
  const lines = linesOf(files.read(PASSWD) ?? noFile('user', name, files.shown(PASSWD)))
  const line = lines.find(({ fields }) => fields[0] === name)
  if (line === undefined) unknown('user', name, lines, files.shown(PASSWD))
  return userOf(line) ?? malformed(line, files.shown(PASSWD))
}

function userById(uid: number, files: BoxFiles): User | undefined {
  for (const line of linesOf(files.read(PASSWD) ?? '')) {
    if (idOf(line.fields[2]) === uid) return userOf(line) ?? malformed(line, files.shown(PASSWD))
  }
  return undefined
}

function groupId(group: string | number, files: BoxFiles): number {
  if (typeof group === 'number') return group
  const lines = linesOf(files.read(GROUP) ?? noFile('group', group, files.shown(GROUP)))
  const line = lines.find(({ fields }) => fields[0] === group)
  if (line === undefined) unknown('group', group, lines, files.shown(GROUP))
  return idOf(line.fields[2]) ?? malformed(line, files.shown(GROUP))
}

/**
 * The user's own group, and all that name the user as a member. The own one is among them, or a program could leave it
 * by a setgid file, and gain what is denied to that group.
 */
function groupsOf({ name, gid }: User, files: BoxFiles): number[] {
  const groups = new Set([gid])
  for (const line of linesOf(files.read(GROUP) ?? '')) {
    if (!line.fields[3]?.split(',').includes(name)) continue
    groups.add(idOf(line.fields[2]) ?? malformed(line, files.shown(GROUP)))
  }
  if (groups.size > MAX_GROUPS)
    throw new SandboxError({
      step: 'user',
      what: `${name} is in ${groups.size} groups, and the kernel takes ${MAX_GROUPS}`,
      path: files.shown(GROUP),
    })
  return [...groups]
}

function noFile(kind: string, name: string, path: string): never {
  throw new SandboxError({
    step: 'user',
    what: `no ${kind} '${name}': the box has no such file`,
    path,
    hint: 'a number needs none: --user UID:GID',
  })
}

function unknown(kind: string, name: string, lines: readonly Line[], path: string): never {
  const near = nearest(
    name,
    lines.map(({ fields: [known = ''] }) => known),
  )
  throw new SandboxError({
    step: 'user',
    what: `the box has no ${kind} '${name}'`,
    path,
    hint: near === undefined ? 'a number needs no name: --user UID:GID' : `the nearest is ${near}`,
  })
}

function malformed({ number }: Line, path: string): never {
  throw new SandboxError({ step: 'user', what: `line ${number} is not of the form of passwd(5) or group(5)`, path })
}
