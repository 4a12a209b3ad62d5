/**
 * The sidecar that the compiled program carries. In the npm package sidecar-path.ts takes the place of this file:
 * package.json, imports.
 */
import path from '../../dist/nsbox-sidecar' with { type: 'file' }

export const sidecarPath = (): string => path

/** The program that makes namespaces, as rules for programs (AppArmor) see it. */
export const programPath = (): string => process.execPath
