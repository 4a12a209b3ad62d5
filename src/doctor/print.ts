/** The findings in lines for a person. */
import type { Finding } from './check.ts'
import type { Start } from './try-box.ts'
import type { Verdict } from './verdict.ts'

export function printed(findings: readonly Finding[], verdict: Verdict): string[] {
  const isBarred = findings.some(({ status }) => status === 'no')
  return [...findings.flatMap((finding) => findingLines(finding)), '', ...verdictLines(verdict, isBarred)]
}

function findingLines({ name, status, found, effect, fix = [] }: Finding): string[] {
  return [
    `${status.padEnd(4)}  ${name}: ${found}`,
    ...(effect === undefined ? [] : [`        ${effect}`]),
    ...fix.map((line, i) => `        ${i === 0 ? 'fix: ' : '     '}${line}`),
  ]
}

function verdictLines({ default: plain, nest }: Verdict, isBarred: boolean): string[] {
  if (plain.starts) return ['boxes can run here']
  const why = (start: Start) =>
    start.starts ? [] : [`        ${start.error}`, ...(start.hint === undefined ? [] : [`        hint: ${start.hint}`])]
  if (nest?.starts)
    return ['the default box cannot start here:', ...why(plain), 'boxes with --nest can run here: nsbox --nest COMMAND']
  return [isBarred ? 'no box can run here: see the lines marked no' : 'no box can run here:', ...why(plain)]
}
