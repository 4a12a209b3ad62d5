/** What the network of a box reports: each line of the program outside, as it comes. */
import { fstatSync, readSync } from 'node:fs'

type Bytes = { bytesSent: number; bytesReceived: number }

/**
 * An event of a box with `allowHosts` or `publish`: a connection that has ended, one that was refused, a name that was,
 * or how many events could not be reported in time. `error` is a name of errno(3).
 */
export type NetworkEvent =
  | ({ event: 'connect'; host: string; port: number; allowed: true; address?: string; error?: string } & Bytes)
  | {
      event: 'connect'
      host: string
      port: number
      allowed: false
      reason: 'port' | 'address' | 'sni'
      address?: string
      range?: string
    }
  | { event: 'resolve'; host: string; allowed: false; reason: 'name' | 'too-many-names' }
  | ({ event: 'accept'; port: number; inside: number; peer: string; error?: string } & Bytes)
  | { event: 'dropped'; count: number }

const KINDS = ['connect', 'resolve', 'accept', 'dropped']

/** The events among the whole lines of a text. */
function networkEvents(text: string): NetworkEvent[] {
  const events: NetworkEvent[] = []
  for (const line of text.split('\n')) {
    try {
      const event = JSON.parse(line) as NetworkEvent
      if (KINDS.includes(event.event)) events.push(event)
    } catch {
      // An empty line, or one that is only half there.
    }
  }
  return events
}

/** Gives the events of a growing text, each once. */
export class NetworkEvents {
  #rest = ''

  read(more: string): NetworkEvent[] {
    const text = this.#rest + more
    const end = text.lastIndexOf('\n') + 1
    this.#rest = text.slice(end)
    return networkEvents(text.slice(0, end))
  }
}

/** The same for a report that grows in a file behind FROM. Returns those that are new since the last call. */
export function followEvents(file: number, from: number): () => NetworkEvent[] {
  const events = new NetworkEvents()
  let at = from
  return () => {
    const bytes = Buffer.alloc(Math.max(0, fstatSync(file).size - at))
    const got = bytes.length === 0 ? 0 : readSync(file, bytes, 0, bytes.length, at)
    at += got
    return events.read(bytes.toString('latin1', 0, got))
  }
}
