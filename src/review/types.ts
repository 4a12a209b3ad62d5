/** What programs see of a review. */

export type FileType = 'file' | 'directory' | 'link' | 'special'

export type Change = {
  /** Absolute path on the host. */
  path: string
  kind: 'added' | 'changed' | 'removed'
  /** What is there in the box, or was there before it was removed. */
  type: FileType
  /** What the host has there, where the type changed. */
  was?: FileType
  /** Why apply leaves it alone: the option that names it, or what it is. */
  held?: string
  /** What happened on the host since the box started. */
  conflict?: string
  /** Extended attributes, ACLs among them, of a file, or those of a directory that differ from the host's. Apply brings those of user.* alone. */
  attributes?: string[]
}

export type Applied = {
  applied: Change[]
  /** Changes that a rule holds back. */
  held: Change[]
  /** Changes that were not named. */
  left: Change[]
}
