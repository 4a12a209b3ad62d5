/** Finds the file of the helper that unpacks images, beside the sidecar's. */
import { programBeside } from './sidecar-path.ts'

export const unpackPath = (): string => programBeside('nsbox-unpack')
