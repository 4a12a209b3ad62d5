/** Which extended attributes of a review come to the host. */

/**
 * Whether apply brings the attribute. Others give rights (security.capability, ACLs), and a stranger must not choose
 * those.
 */
export const isBrought = (name: string): boolean => name.startsWith('user.')
