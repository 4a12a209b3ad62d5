/**
 * Breaks TEXT at its spaces into lines of at most WIDTH characters. A longer word, such as a path, stays whole to be
 * copied.
 */
export function wrap(text: string, width: number, first = '', rest = first): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const lead = lines.length === 0 ? first : rest
    if (line !== '' && lead.length + line.length + 1 + word.length > width) {
      lines.push(lead + line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, (lines.length === 0 ? first : rest) + line]
}
