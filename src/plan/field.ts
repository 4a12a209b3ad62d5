/** One row of the contract's tables, and bounds that several rows share. */

/** A leaf or a container; `default` is what an absent optional field means. */
export type Field = { doc: string; required?: true } & (
  | { type: 'bool' }
  | { type: 'int'; min: number; max: number; default?: number }
  /**
   * Text without NUL. `path`: an absolute path; one of the host ("host") may be relative to the program that holds the
   * plan.
   */
  | { type: 'string'; min?: number; max?: number; path?: true | 'host' }
  /** Bytes as text, RFC 4648 with padding: a multiple of UNIT bytes. */
  | { type: 'base64'; unit: number; max: number }
  /** File mode as octal text, such as "1777". */
  | { type: 'mode'; default?: string }
  | { type: 'enum'; values: readonly string[]; default?: string }
  /** A set of words, each at most once. */
  | { type: 'flags'; values: readonly string[] }
  | { type: 'strings'; min?: number; max?: number; entry?: 'assignment' | 'path' | 'host' }
  /** Whole numbers from 0 to MAX_ID: user or group ids, descriptors. */
  | { type: 'ids'; min: number; max: number }
  | { type: 'object'; of: string }
  | { type: 'objects'; of: string; min?: number; max?: number }
  /** An object whose `type` key says which table applies. */
  | { type: 'variant'; of: string }
  /** A list of objects whose `type` key says which table applies. */
  | { type: 'variants'; of: string; max?: number }
)

export type Table = Readonly<Record<string, Field>>

/** The largest number that both halves represent exactly. */
export const MAX_SIZE = Number.MAX_SAFE_INTEGER
