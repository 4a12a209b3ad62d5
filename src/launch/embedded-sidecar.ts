/** The sidecar that the compiled program carries. In the npm package sidecar-path.ts takes the place of this file: package.json, imports. */
import path from '../../dist/nsbox-sidecar' with { type: 'file' }

export const sidecarPath = (): string => path

/** What makes the namespaces, as far as this machine's rules for programs go. */
export const programPath = (): string => process.execPath
