/** `nsbox explain`: the plan in words. */
import { print } from '../cli/output.ts'
import { readCommand, readOptions } from '../cli/parse.ts'
import { verb } from '../cli/verb.ts'
import { explain as explainPlan } from '../explain/explain.ts'
import { thisHost } from '../host/bun.ts'
import { lateExplain } from '../lazy.ts'
import { writeReport } from '../explain/report-file.ts'
import type { Options } from '../options/types.ts'
import { planned } from './prepared.ts'

export const explain = verb<{ options: Options; argv: string[]; html?: string }>({
  usage: 'explain [OPTIONS] [--] COMMAND [ARG...]',
  doc: 'explain step by step what would happen; run nothing',
  examples: [
    'nsbox explain bash',
    'nsbox explain --net none --map-root bash',
    'nsbox explain --root ./r --ro-bind /usr bash',
    'nsbox explain --html box.html --net none make',
  ],
  takes: () => true,
  own: [
    {
      name: 'html',
      group: 'reporting',
      value: 'FILE',
      doc: 'write a page for a browser to FILE, which shows the box and goes through its steps; - is standard output',
    },
  ],
  words: 0,
  parse(walked) {
    let html: string | undefined
    const options = readOptions(walked, (_, value) => (html = value))
    return {
      options,
      argv: readCommand('explain', walked.rest, 'nsbox explain [OPTIONS] [--] COMMAND [ARG...]', options),
      ...(html !== undefined && { html }),
    }
  },
  run({ options, argv, html }) {
    const host = thisHost()
    const reader = { uid: host.uid, look: host.look }
    return planned(options, argv, host, (made) => {
      if (html === undefined) return print(`${explainPlan(made, reader)}\n`)
      const text = lateExplain().boxPage(made, reader)
      if (html === '-') return print(text)
      writeReport(html, text)
      return 0
    })
  },
})
