/**
 * The end of an executable with a plan, as sidecar/plan/plan_source.c reads it: the text, its length in 8 bytes (little
 * endian), MAGIC.
 */
export const MAGIC = 'NSBOXPLN'
export const TRAILER_BYTES = 8 + MAGIC.length

/** The end of a part, as sidecar/plan/part.c reads it: the name in 8 bytes, the part's length in 8 bytes, this word. */
export const PART_MAGIC = 'NSBOXPRT'
