/** Finds the file of the program that notes which files a command uses, beside the sidecar's. */
import { programBeside } from './sidecar-path.ts'

export const tracePath = (): string => programBeside('nsbox-trace')
