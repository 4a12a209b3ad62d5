/** A refusal, as it is reported. */

export interface Denied {
  /**
   * What was tried. `create`: to make a name; `bind`: to give a socket an address; `resolve`: to find a host's address;
   * `call`: another system call.
   */
  op:
    | 'read'
    | 'write'
    | 'create'
    | 'remove'
    | 'rename'
    | 'link'
    | 'execute'
    | 'connect'
    | 'bind'
    | 'send'
    | 'resolve'
    | 'fork'
    | 'call'
  /** A path of the box, an address or host with its port, or the name of a system call. */
  subject: string
  /** The error that the command got, such as EROFS; SIGSYS where the call ended its process. */
  code: string
  /** How many times. */
  count: number
  /** The rule that decides it, by the words of the command line, such as `--ro-bind /src/.git/hooks`. */
  rule: string
  /** The option that would allow it, such as `--write /src`; absent where none does. */
  allow?: string
  /** All of it in one sentence. */
  text: string
}

/** A refusal that a rule explains, before it is counted. */
export type Found = Omit<Denied, 'count' | 'code'> & { code?: string }
