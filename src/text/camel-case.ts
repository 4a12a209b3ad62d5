/** Names of the command line's options in a program: --ro-bind is roBind. */

export const camel = (name: string): string =>
  name === 'allow-host' ? 'allowHosts' : name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())

/**
 * Options that the library leaves out: it reads the status events itself, and its results contain them; its function
 * srtSettings takes what the file of the other has.
 */
export const FOR_THE_COMMAND_LINE: readonly string[] = ['status-fd', 'srt-settings']

/**
 * Whether a program may give a number here. A TIME has to be text with a unit, since a program's numbers are
 * milliseconds.
 */
export const takesNumber = (placeholder: string): boolean =>
  ['N', 'N[,N]', 'USER[:GROUP]', 'SIZE', 'COUNT', 'NUMBER', 'CPUS', 'BYTES'].includes(placeholder)
