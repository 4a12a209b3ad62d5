/** Finds the files of the programs of nsbox that plans call by a name, beside the sidecar's. */
import type { Helper } from '../plan/types.ts'
import { programBeside } from './sidecar-path.ts'

export const partPath = (part: NonNullable<Helper['part']>): string => programBeside(`nsbox-${part}`)
