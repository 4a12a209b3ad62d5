/** A program on a terminal of its own, with functions to type and to see as a person does. */

type Terminal = { write(text: string): void; resize(columns: number, rows: number): void; close(): void }
type OnTerminal = { terminal: Terminal; pid: number; kill(signal: string): void; exited: Promise<number> }

export class Pty {
  /** All that the terminal has shown, with its control sequences. */
  shown = ''
  #seen = 0
  readonly #process: OnTerminal

  constructor(argv: readonly string[], env: Record<string, string | undefined> = {}) {
    const data = (_: unknown, bytes: Uint8Array) => {
      this.shown += new TextDecoder().decode(bytes)
    }
    const options = {
      env: { ...process.env, TERM: 'xterm', PS1: '$ ', ...env },
      terminal: { cols: 80, rows: 24, data },
    }
    this.#process = Bun.spawn([...argv], options as never) as unknown as OnTerminal
  }

  get pid(): number {
    return this.#process.pid
  }

  type(text: string): void {
    this.#process.terminal.write(text)
  }

  /** Types a line, and Enter. */
  enter(line: string): void {
    this.type(`${line}\r`)
  }

  resize(columns: number, rows: number): void {
    this.#process.terminal.resize(columns, rows)
  }

  /** Waits until this shows, behind the text of the previous wait. */
  async expect(what: RegExp, seconds = 20): Promise<string> {
    for (const end = Date.now() + seconds * 1000; Date.now() < end; await Bun.sleep(10)) {
      const match = what.exec(this.shown.slice(this.#seen))
      if (match === null) continue
      this.#seen += match.index + match[0].length
      return match[0]
    }
    throw new Error(`${what} did not show; this did: ${JSON.stringify(this.shown.slice(this.#seen))}`)
  }

  /** Waits for "ready" of the command that a shell has started, and checks that Ctrl-C ends it as SIGINT does. */
  async endsByCtrlC(): Promise<void> {
    await this.expect(/ready/)
    this.type('\x03')
    await this.expect(/\$ $/)
    this.enter('echo "status $?"')
    await this.expect(/status 130/)
  }

  /** Has a shell start VI with a file, and checks that Ctrl-Z and fg stop and continue it, and that it ends by :q!. */
  async stopsInEditor(vi: string): Promise<void> {
    this.enter(`${vi} /etc/passwd`)
    await this.expect(/root:x:0:0/)
    this.type('\x1a')
    await this.expect(/Stopped[^]*\$ $/)
    this.enter('fg')
    await this.expect(/root:x:0:0/)
    this.enter(':q!')
    await this.expect(/\$ $/)
    this.enter('echo "status $?"')
    await this.expect(/status 0/)
  }

  /** Types a key again and again until this shows, for programs that lose keys while they set the terminal up. */
  async press(key: string, until: RegExp): Promise<string> {
    for (let tries = 0; tries < 19; tries++) {
      this.type(key)
      const shown = await this.expect(until, 1).catch(() => undefined)
      if (shown !== undefined) return shown
    }
    this.type(key)
    return this.expect(until, 1)
  }

  /** Waits for the program's end, and returns its status. */
  exited(): Promise<number> {
    return this.#process.exited
  }

  async end(): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.#process.exited
    this.#process.terminal.close()
  }
}
