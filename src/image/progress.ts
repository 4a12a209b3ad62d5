/**
 * Shows how a pull goes on, on standard error: one line that is drawn anew on a terminal, else a line for each step, or
 * a line of JSON for each event.
 */
import type { Progress } from './image.ts'
import { sizeText } from '../text/size.ts'

export type ReporterOptions = {
  write: (text: string) => void
  /** `silent`: nothing. `terminal`: one line, drawn anew. `lines`: a line a step. `json`: an event a line. */
  style: 'silent' | 'terminal' | 'lines' | 'json'
  /** Width of the terminal, asked at each drawing. */
  columns?: () => number | undefined
  /** Milliseconds, of a clock that never goes back. */
  now?: () => number
}

type Reporter = {
  onProgress(progress: Progress): void
  /** Removes the line that is drawn anew, so that a message or a result can follow. */
  end(): void
}

/** The style for standard error as it is. */
export function styleFor(
  quiet: boolean,
  json: boolean,
  isTerminal: boolean,
  term: string | undefined,
): ReporterOptions['style'] {
  if (quiet) return 'silent'
  if (json) return 'json'
  return isTerminal && term !== 'dumb' ? 'terminal' : 'lines'
}

export function createReporter({ write, style, columns, now = () => performance.now() }: ReporterOptions): Reporter {
  if (style === 'silent') return { onProgress: () => {}, end: () => {} }
  if (style === 'json') return jsonReporter(write, now)
  return style === 'terminal' ? terminalReporter(write, columns ?? (() => undefined), now) : lineReporter(write)
}

/** Milliseconds between two drawings, and between two lines of JSON about the same layer. */
const REDRAW = 100
const JSON_INTERVAL = 250
/** Milliseconds after which the line is drawn without news, so that a server that stalls shows in the speed. */
const IDLE = 1000
/** Milliseconds over which the speed is measured. */
const SPEED_SPAN = 5000
/** Back to the start of the line, and clear it. */
const CLEAR = '\r\x1b[K'

/** The first and the last event of each layer are always printed. */
function jsonReporter(write: (text: string) => void, now: () => number): Reporter {
  const printed = new Map<string, number>()
  return {
    onProgress: (progress) => {
      const { event, layer, bytes, total } = progress
      const key = `${event} ${layer}`
      const last = printed.get(key)
      if (last !== undefined && bytes !== undefined && bytes !== total && now() - last < JSON_INTERVAL) return
      printed.set(key, now())
      write(`${JSON.stringify(progress)}\n`)
    },
    end: () => {},
  }
}

function lineReporter(write: (text: string) => void): Reporter {
  const printed = new Set<string>()
  return {
    onProgress: (progress) => {
      const text = stepText(progress)
      if (text === undefined || printed.has(text)) return
      printed.add(text)
      write(`${text}\n`)
    },
    end: () => {},
  }
}

/** A step as a line; undefined for what is between two steps. */
function stepText({ event, reference, layer, layers, bytes, total, reason, seconds }: Progress): string | undefined {
  const which = `layer ${layer} of ${layers}`
  switch (event) {
    case 'resolve':
      return `pull ${reference}`
    case 'wait':
      return `wait: ${reason}${seconds === undefined ? '' : `, again in ${Math.ceil(seconds)} s`}`
    case 'download':
      return bytes === total ? `downloaded ${which}, ${sizeText(total ?? 0)}` : undefined
    case 'unpack':
      return bytes === total ? `unpacked ${which}` : undefined
    case 'done':
      return undefined
  }
}

type Layer = { bytes: number; total: number }

function terminalReporter(
  write: (text: string) => void,
  columns: () => number | undefined,
  now: () => number,
): Reporter {
  const phases = { download: new Map<number, Layer>(), unpack: new Map<number, Layer>() }
  const speed = new Speed()
  // `before`: bytes of which the first event of a layer says that they are there, and so don't count as speed.
  let [line, drawn, layers, before] = ['', -REDRAW, 0, 0]
  const draw = (text: string): void => {
    line = text
    drawn = now()
    // A line as wide as the terminal would wrap.
    write(CLEAR + [...text].slice(0, Math.max(1, (columns() ?? 80) - 1)).join(''))
  }
  let timer: ReturnType<typeof setTimeout> | undefined
  const drawAfter = (delay: number): void => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      draw(layersText(phases, layers, speed, now()))
      drawAfter(IDLE)
    }, delay)
    timer.unref()
  }
  return {
    onProgress: (progress) => {
      const { event, layer, bytes, total } = progress
      if (event === 'download' || event === 'unpack') {
        if (layer === undefined || bytes === undefined || total === undefined) return
        layers = progress.layers ?? layers
        if (event === 'download' && !phases.download.has(layer)) before += bytes
        phases[event].set(layer, { bytes, total })
        if (event === 'download') speed.add(now(), sum(phases.download).bytes - before)
        const isDue = now() - drawn >= REDRAW
        if (isDue) draw(layersText(phases, layers, speed, now()))
        drawAfter(isDue ? IDLE : REDRAW - (now() - drawn))
      } else if (event !== 'done') {
        clearTimeout(timer)
        draw(stepText(progress) ?? '')
      }
    },
    end: () => {
      clearTimeout(timer)
      if (line !== '') write(CLEAR)
      line = ''
    },
  }
}

function sum(layers: ReadonlyMap<number, Layer>): Layer & { done: number } {
  const sums = { bytes: 0, total: 0, done: 0 }
  for (const { bytes, total } of layers.values()) {
    sums.bytes += bytes
    sums.total += total
    if (bytes === total) sums.done++
  }
  return sums
}

function layersText(
  { download, unpack }: Record<'download' | 'unpack', ReadonlyMap<number, Layer>>,
  layers: number,
  speed: Speed,
  now: number,
): string {
  const down = sum(download)
  if (down.bytes === down.total) {
    const { bytes, total, done } = sum(unpack)
    return `unpack: ${done} of ${layers} layers, ${partText(bytes, Math.max(total, down.total))}`
  }
  const rate = speed.at(now)
  const left = rate > 0 ? `, ${timeText((down.total - down.bytes) / rate)} left` : ''
  return `download: ${down.done} of ${download.size} layers, ${partText(down.bytes, down.total)}, ${sizeText(rate)}/s${left}`
}

/** Bytes a second over the last seconds. */
class Speed {
  readonly #points: { time: number; bytes: number }[] = []

  add(time: number, bytes: number): void {
    this.#points.push({ time, bytes })
    this.#forget(time)
  }

  at(now: number): number {
    this.#forget(now)
    const [first, last] = [this.#points[0], this.#points.at(-1)]
    if (first === undefined || last === undefined || now <= first.time) return 0
    return ((last.bytes - first.bytes) * 1000) / (now - first.time)
  }

  #forget(now: number): void {
    while (this.#points.length > 2 && now - (this.#points[1]?.time ?? now) > SPEED_SPAN) this.#points.shift()
  }
}

const partText = (bytes: number, total: number): string => `${sizeText(bytes)} of ${sizeText(total)}`

/** 75 seconds are "1:15". */
function timeText(seconds: number): string {
  const whole = Math.ceil(seconds)
  if (whole < 60) return `${whole} s`
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  const two = (number: number): string => String(number).padStart(2, '0')
  return hours === 0 ? `${minutes}:${two(rest)}` : `${hours}:${two(minutes)}:${two(rest)}`
}
