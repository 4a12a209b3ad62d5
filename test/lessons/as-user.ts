import { execute } from '../helpers/nsbox.ts'

/** Runs as another user, who has the supplementary group GROUPS, or none for "". */
export const asUser = (groups: string, ...command: string[]) =>
  execute('setpriv', [
    '--reuid',
    '5001',
    '--regid',
    '5001',
    ...(groups === '' ? ['--clear-groups'] : ['--groups', groups]),
    ...command,
  ])
