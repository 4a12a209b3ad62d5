import { fromBytes, toBytes } from '../text/bytes.ts'

/** An invalid plan: what is wrong (`message`) and where (`pointer`, a JSON pointer as in RFC 6901; "" is the whole). */
export class PlanError extends Error {
  readonly pointer: string

  constructor(path: JsonPath, message: string) {
    super(message)
    this.name = 'PlanError'
    this.pointer = pointerOf(path)
  }
}

/** The keys and indexes that lead to a value of the plan, outermost first. */
export type JsonPath = readonly (string | number)[]

/** Bytes of the longest pointer that the sidecar keeps. */
const POINTER_MAX = 511
const CUT = '...'

function pointerOf(path: JsonPath): string {
  const bytes = toBytes(path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''))
  if (bytes.length <= POINTER_MAX) return fromBytes(bytes)
  let length = POINTER_MAX - CUT.length
  while (length > 0 && ((bytes[length] ?? 0) & 0xc0) === 0x80) length--
  return fromBytes(bytes.subarray(0, length)) + CUT
}
