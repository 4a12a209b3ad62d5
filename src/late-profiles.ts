/** What reads profiles, with the libraries for their formats. */
export { addProfiles } from './cli/profiles.ts'
