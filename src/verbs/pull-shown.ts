/** A pull for the sake of a box: it is shown on standard error, and a signal ends it in order. */
import { isatty } from 'node:tty'
import { print } from '../cli/output.ts'
import type { GetImage } from '../image/box.ts'
import { lateImages } from '../lazy.ts'
import type { Options } from '../options/types.ts'
import { untilSignal } from './until-signal.ts'

/** Gets an image as `nsbox image pull` does. Nothing is printed with --quiet. */
export function pullShown({ quiet = false }: Options): GetImage {
  return async (reference, want, host) => {
    const { createReporter, getImage, styleFor } = lateImages()
    const reporter = createReporter({
      write: (text) => void print(text, 2),
      style: styleFor(quiet, false, isatty(2), process.env.TERM),
      columns: () => process.stderr.columns,
    })
    try {
      return await untilSignal('image', (signal) =>
        getImage(reference, { ...want, onProgress: (progress) => reporter.onProgress(progress), signal }, host),
      )
    } finally {
      reporter.end()
    }
  }
}
