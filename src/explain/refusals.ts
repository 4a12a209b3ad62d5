/** Reads what the program outside of a box has seen of its calls: sidecar/trace/tally.h. */

/** A call that failed. */
export type Refusal = {
  /** AUDIT_ARCH_*, and the number of the call there. */
  machine: number
  call: number
  /** A number of errno(3); 0: the call ended its process. */
  errno: number
  op: Op
  /** A path of the box; of a rename or a link the first one, with `to`. */
  path?: string
  to?: string
  /** The name of an abstract socket. */
  abstract?: string
  /** An internet address, and its port. */
  address?: string
  port?: number
  args?: number[]
  count: number
}

const OPS = [
  'read',
  'write',
  'create',
  'remove',
  'rename',
  'link',
  'execute',
  'connect',
  'bind',
  'send',
  'fork',
  'call',
] as const
type Op = (typeof OPS)[number]

/** A host, or a connection to one, that the program of the network has refused: library/network-events.ts. */
export type RefusedHost = { host: string; port?: number; reason: string }

export type Refusals = {
  /** In the order in which they came first. */
  calls: (Refusal | RefusedHost)[]
  /** How many more there were than the tracer keeps. */
  more: number
}

/** Collects refusals of the lines of a report, in their order. */
export class RefusalReader {
  readonly #byId = new Map<number, Refusal>()
  readonly #hosts = new Map<string, RefusedHost>()
  readonly #all: (Refusal | RefusedHost)[] = []
  #more = 0

  /** Whether the line is only for us. */
  add(line: string): boolean {
    const event = eventIn(line)
    if (event?.['event'] === 'refused') this.#refused(event)
    else if (event?.['allowed'] === false && typeof event['host'] === 'string') this.#host(event as RefusedHost)
    return event?.['event'] === 'refused'
  }

  #refused({ id, more, count, ...rest }: Record<string, unknown>): void {
    if (typeof more === 'number') this.#more = more
    if (typeof id !== 'number') return
    const known = this.#byId.get(id)
    if (known !== undefined) known.count = Number(count)
    else if (OPS.includes(rest['op'] as Op)) {
      const refusal = { ...rest, count: 1 } as unknown as Refusal
      this.#byId.set(id, refusal)
      this.#all.push(refusal)
    }
  }

  #host({ host, port, reason }: RefusedHost): void {
    const key = `${host}\0${port}\0${reason}`
    if (this.#hosts.has(key)) return
    const refused: RefusedHost = port === undefined ? { host, reason } : { host, port, reason }
    this.#hosts.set(key, refused)
    this.#all.push(refused)
  }

  result(): Refusals {
    return { calls: this.#all, more: this.#more }
  }
}

/** A line of another event, or one that is only half there, is none of ours. */
function eventIn(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line) as Record<string, unknown>
  } catch {
    return undefined
  }
}
