/**
 * Facts that a start relies on without having looked: the runtime looks by node:fs, which takes 1 ms to load. Each is a
 * text that launch/native/entry.c understands:
 *
 *     k6.6                                     the kernel is Linux 6.6 or newer
 *     nNAME                                    the host has this name
 *     aPATH                                    nothing is at PATH, not even a link
 *     fMAJOR,MINOR,INODE,SIZE,MTIME,CTIME,PATH   the file at PATH is the same, unchanged; times in nanoseconds
 */
export type Fact = string

export const absentFact = (path: string): Fact => `a${path}`
export const nameFact = (name: string): Fact => `n${name}`
export const kernelFact = (major: number, minor: number): Fact => `k${major}.${minor}`
