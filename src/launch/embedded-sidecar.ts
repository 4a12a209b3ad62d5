/** The sidecar that the compiled program carries. In the package, packaged.ts stands in for this file: see scripts/package.ts. */
import path from '../../dist/nsbox-sidecar' with { type: 'file' }

export const sidecarPath = (): string => path

/** What makes the namespaces, as far as this machine's rules for programs go. */
export const programPath = (): string => process.execPath
