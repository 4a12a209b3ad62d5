/**
 * The programs of nsbox that plans call by a name, which the compiled program carries. In the npm package part-path.ts
 * takes the place of this file: package.json, imports.
 */
import hide from '#nsbox-hide' with { type: 'file' }
import net from '#nsbox-net' with { type: 'file' }
import trace from '#nsbox-trace' with { type: 'file' }
import type { Helper } from '../plan/types.ts'

const PATHS: Readonly<Record<NonNullable<Helper['part']>, string>> = { hide, net, trace }

export const partPath = (part: NonNullable<Helper['part']>): string => PATHS[part]
