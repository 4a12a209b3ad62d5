/** How options of the command line are called in a program. */

export const camel = (name: string): string => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())

/** Options that a program has no use for: the library reads the events itself, and a result tells them. */
export const FOR_THE_COMMAND_LINE: readonly string[] = ['status-fd']

/** Whether a value of this kind may be a number; one that has a unit may not, since a program's numbers of time are milliseconds. */
export const takesNumber = (placeholder: string): boolean => ['N', 'UID[:GID]', 'SIZE', 'COUNT', 'NUMBER', 'CPUS', 'BYTES'].includes(placeholder)
