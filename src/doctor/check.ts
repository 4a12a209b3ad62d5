/** The parts that checks are made of. */
import { privileged } from './facts.ts'
import type { Host } from './host.ts'

export type Result = {
  /** `no`: no box can run. `note`: something doesn't work, or works more slowly. */
  status: 'ok' | 'no' | 'note'
  /** The finding, in words. */
  found: string
  /** The features that will not work. */
  effect?: string
  /** Lines that change it, to be copied as they are. */
  fix?: string[]
}

export type Check = { name: string; run(host: Host): Result }
export type Finding = { name: string } & Result

export const ok = (found: string): Result => ({ status: 'ok', found })
export const no = (found: string, effect: string, ...fix: string[]): Result => ({ status: 'no', found, effect, fix })
export const note = (found: string, effect: string, ...fix: string[]): Result => ({
  status: 'note',
  found,
  effect,
  fix,
})

/** User namespaces are refused. Everybody but root needs one; for root that is only a note. */
export function barred(host: Host, found: string, ...fix: string[]): Result {
  return privileged(host)
    ? note(found, '--userns will not work, nor will boxes of ordinary users', ...fix)
    : no(found, 'boxes cannot be made without root', ...fix)
}

/** The fix where nsbox itself runs in a box. */
export const OUTER_BOX = 'nsbox --allow-userns ...    for the box around this one, and nsbox --nest ... in it'

/** Lines that change a setting, given as NAME=VALUE. */
export const sysctl = (setting: string): string[] => [
  `sudo sysctl -w ${setting.includes(' ') ? `'${setting}'` : setting}`,
  `echo '${setting}' | sudo tee /etc/sysctl.d/99-nsbox.conf    (to keep it)`,
]
