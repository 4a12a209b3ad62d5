/** An image of a registry as layers to unpack: each is downloaded before it is asked for, and removed afterwards. */
import * as fs from 'node:fs'
import { SandboxError } from '../errors.ts'
import { hostPath } from '../host/bun.ts'
import type { HostFacts } from '../host/types.ts'
import { readConfig } from './config.ts'
import { findCredentials } from './credentials.ts'
import { bytesThere, downloadBlob, type DownloadPlace } from './download.ts'
import { platformFor } from './find.ts'
import { startHelper } from './helper.ts'
import type { Want } from './image.ts'
import type { Descriptor } from './manifest.ts'
import { parsePlatform } from './platform.ts'
import { openFile, type Range } from './ranges.ts'
import { referenceText, type RegistryReference } from './reference.ts'
import { Registry } from './registry.ts'
import type { LayerSource, Source } from './source.ts'
import { imagesDirectory, paths } from './places.ts'
import { chainIdsOf, ensureDirectory } from './store.ts'

/** Layers that are downloaded at once. */
const AT_ONCE = 3
/** Milliseconds after which a lock that another process holds is reported. */
const TELL_AFTER = 1000

/** Asks the registry for the image. Throws SandboxError, or the signal's reason. */
export async function openRegistry(
  reference: RegistryReference,
  want: Want,
  host: HostFacts,
): Promise<Source & { digest: string }> {
  const about = referenceText(reference)
  want.onProgress?.({ event: 'resolve', reference: about })
  // Downloads that are under way end with the source, too.
  const control = new AbortController()
  const signal = want.signal === undefined ? control.signal : AbortSignal.any([want.signal, control.signal])
  const registry = new Registry(reference, {
    credentials: (of) => findCredentials(of, reference.name, { env: host.env, uid: host.uid, signal }),
    insecure: want.insecure === true,
    signal,
    onWait: (reason, seconds) => want.onProgress?.({ event: 'wait', reference: about, reason, seconds }),
  })
  const { digest, manifest, config } = await registry.resolve(parsePlatform(platformFor(want, host)))
  const { id, config: read, diffIds } = readConfig(config, about)
  if (diffIds.length !== manifest.layers.length)
    throw new SandboxError({
      step: 'image',
      what: `has ${manifest.layers.length} layers, but its configuration names ${diffIds.length}`,
      path: about,
      hint: 'the image is damaged: ask whoever built it',
    })
  const downloads = new Downloads(registry, manifest.layers, missing(diffIds, want, host), {
    want: { ...want, signal },
    host,
    about,
  })
  const layers = manifest.layers.map((layer, n): LayerSource => ({
    open: () => downloads.open(n),
    size: layer.size,
    format: 'auto',
    whiteouts: 'oci',
    digest: layer.digest,
    diffId: diffIds[n] as string,
    done: () => downloads.done(n),
  }))
  return {
    config: read,
    id,
    digest,
    layers,
    close: () => {
      control.abort(new Error('the source is closed'))
      downloads.close()
    },
  }
}

/** Which layers the cache lacks. */
function missing(diffIds: readonly string[], { map }: Want, host: HostFacts): boolean[] {
  const directory = imagesDirectory(host)
  return chainIdsOf(diffIds).map(
    (chainId) => !fs.existsSync(hostPath(`${paths.layer(directory, map.name, chainId)}/layer.json`)),
  )
}

type How = { want: Want; host: HostFacts; about: string }

/** Downloads the layers that are needed, in their order, a few at once. */
class Downloads {
  readonly #registry: Registry
  readonly #layers: readonly Descriptor[]
  readonly #needed: readonly boolean[]
  readonly #how: How
  readonly #open = new Map<number, number>()
  #started: Promise<void>[] | undefined

  constructor(registry: Registry, layers: readonly Descriptor[], needed: readonly boolean[], how: How) {
    this.#registry = registry
    this.#layers = layers
    this.#needed = needed
    this.#how = how
  }

  /** The layer's archive, as soon as it is there. */
  async open(n: number): Promise<Range> {
    this.#started ??= this.#start()
    await this.#started[n]
    const range = await this.#opened(n)
    this.#open.set(n, range.fd)
    return range
  }

  /** Another pull that unpacks the same layer may have removed the archive between our download and here. */
  async #opened(n: number): Promise<Range> {
    const path = this.#pathOf(n)
    for (let tries = 0; tries < 3 && !fs.existsSync(hostPath(path)); tries++) await this.#download(n)
    return openFile(path, { link: false })
  }

  done(n: number): void {
    this.#closeFile(n)
    if (this.#started?.[n] !== undefined) fs.rmSync(hostPath(this.#pathOf(n)), { force: true })
  }

  close(): void {
    for (const n of [...this.#open.keys()]) this.#closeFile(n)
  }

  #closeFile(n: number): void {
    const fd = this.#open.get(n)
    if (fd !== undefined) fs.closeSync(fd)
    this.#open.delete(n)
  }

  #layer(n: number): Descriptor {
    const layer = this.#layers[n]
    if (layer === undefined) throw new Error(`there is no layer ${n}`)
    return layer
  }

  #pathOf(n: number): string {
    return paths.blob(imagesDirectory(this.#how.host), this.#layer(n).digest)
  }

  /** A promise for each layer that is needed; each waits for one of those before it to end. */
  #start(): Promise<void>[] {
    ensureDirectory(this.#how.host, 'blobs/sha256')
    const started: Promise<void>[] = []
    const before: Promise<void>[] = []
    for (const [n, layer] of this.#layers.entries()) {
      if (!this.#needed[n]) continue
      this.#tell(n, bytesThere(layer, this.#pathOf(n)))
      const turn = before.at(-AT_ONCE) ?? Promise.resolve()
      const download = turn.then(() => this.#download(n))
      // Whoever opens the layer hears of it.
      download.catch(() => {})
      before.push(download)
      started[n] = download
    }
    return started
  }

  async #download(n: number): Promise<void> {
    const place: DownloadPlace = {
      path: this.#pathOf(n),
      lock: (name) => lockFor(name, this.#how),
      onBytes: (bytes) => this.#tell(n, bytes),
    }
    await downloadBlob(this.#registry, this.#layer(n), place)
  }

  #tell(n: number, bytes: number): void {
    const { want, about } = this.#how
    const [layers, total] = [this.#layers.length, this.#layer(n).size]
    want.onProgress?.({ event: 'download', reference: about, layer: n + 1, layers, bytes, total })
  }
}

/** Only the helper can lock a file. It holds the lock until its standard input ends, and so not longer than we live. */
async function lockFor(name: string, { want, host, about }: How): Promise<{ release(): Promise<void> }> {
  let locked = () => {}
  const isLocked = new Promise<void>((resolve) => (locked = resolve))
  const helper = startHelper(
    {
      map: want.map,
      args: ['lock', name],
      target: ensureDirectory(host, 'locks'),
      input: 'pipe',
      onEvent: ({ event }) => event === 'locked' && locked(),
      ...(want.signal !== undefined && { signal: want.signal }),
    },
    host,
  )
  const timer = setTimeout(
    () => want.onProgress?.({ event: 'wait', reference: about, reason: 'another nsbox downloads this layer' }),
    TELL_AFTER,
  )
  try {
    await Promise.race([isLocked, helper.ended])
  } finally {
    clearTimeout(timer)
  }
  return {
    release: async () => {
      helper.input?.end()
      await helper.ended
    },
  }
}
