/** What reads profiles, with the libraries for their formats. */
export { addProfiles } from './cli/profiles.ts'
export { composeBehind } from './options/compose-mounts.ts'
export { PRESETS } from './options/presets.ts'
export { showProfiles } from './options/profile-show.ts'
