/** The hint for a path of the box that is relative, and what the caller may have meant. */
export function absoluteHint(path: string): string {
  return `paths in the box start with /: "$PWD/${path.replace(/^(\.\/)+/, '')}" is the one below your directory`
}
