/** Writes queries, TLS hellos and rules from which the fuzzers of nsbox-net start: DIR/net-dns, net-hello, net-rule. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const [, , to = 'dist/fuzz/seeds'] = process.argv

function write(name: string, seeds: readonly (Buffer | string)[]): void {
  const directory = join(to, `net-${name}`)
  mkdirSync(directory, { recursive: true })
  for (const [n, seed] of seeds.entries()) writeFileSync(join(directory, String(n)), seed)
}

const short = (...numbers: number[]) => Buffer.from(numbers.flatMap((number) => [number >> 8, number & 255]))
/** With its length before it, of so many bytes. */
function long(bytes: number, ...parts: Buffer[]): Buffer {
  const text = Buffer.concat(parts)
  const length = Buffer.alloc(bytes)
  length.writeUIntBE(text.length, 0, bytes)
  return Buffer.concat([length, text])
}

const nameOf = (name: string) =>
  Buffer.concat([...name.split('.').map((label) => long(1, Buffer.from(label))), Buffer.of(0)])
const OPTIONS = Buffer.concat([Buffer.of(0), short(41, 4096, 0, 0, 0)])
const query = (name: string, type: number, additional: readonly Buffer[] = []) =>
  Buffer.concat([short(0x1234, 0x0100, 1, 0, 0, additional.length), nameOf(name), short(type, 1), ...additional])

write('dns', [
  query('one.test', 1),
  query('x.wild.test', 28),
  query('ONE.test', 65, [OPTIONS]),
  query('localhost', 1),
  query('1.0.19.198.in-addr.arpa', 12),
  query(`1.0.0.0.${'0.'.repeat(12)}1.0.0.0.8.7.f.6.2.6.3.7.e.6.d.f.ip6.arpa`, 12),
  query('test', 255),
])

const extension = (type: number, ...parts: Buffer[]) => Buffer.concat([short(type), long(2, ...parts)])
const serverName = (name: string) => extension(0, long(2, Buffer.of(0), long(2, Buffer.from(name))))
function hello(...extensions: Buffer[]): Buffer {
  const before = [short(0x0303), Buffer.alloc(32, 7), long(1, Buffer.alloc(32, 1)), long(2, short(0x1301)), long(1, Buffer.of(0))]
  return Buffer.concat([Buffer.of(1), long(3, ...before, long(2, ...extensions))])
}
const record = (content: Buffer) => Buffer.concat([Buffer.of(22, 3, 1), long(2, content)])
const whole = hello(extension(43, Buffer.of(2, 3, 4)), serverName('one.test'))

write('hello', [
  record(whole),
  record(hello(extension(43, Buffer.of(2, 3, 4)))),
  Buffer.concat([whole.subarray(0, 3), whole.subarray(3, 60), whole.subarray(60)].map(record)),
  Buffer.concat([record(whole), Buffer.of(20, 3, 3, 0, 1, 1)]),
])

write('rule', [
  'one.test:443',
  '*.wild.test:80',
  '93.184.216.34:443',
  '[2606:2800:220:1::34]:443',
  '10.0.0.1:80',
  '0x7f.1:80',
])
