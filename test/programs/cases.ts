/** All programs of the table, in its order. */
import type { Case } from './case.ts'
import { LANGUAGES } from './languages.ts'
import { SERVERS } from './servers.ts'
import { TOOLS } from './tools.ts'

export const CASES: readonly Case[] = [...LANGUAGES, ...TOOLS, ...SERVERS]

const EVERYDAY = CASES.filter(({ everyday }) => everyday)
/** For making the root, and for the commands of docs/guides/roots.md. */
const OTHERS = ['ca-certificates', 'curl', 'openssl', 'tzdata']
/** Clients for test/e2e/network-clients.test.ts; gron is in Go, and Debian's busybox-static is linked with glibc. */
const CLIENTS = ['busybox-static', 'gron', 'libnss-resolve', 'nscd', 'openssh-client', 'wget']

// `bun cases.ts NAME` prints the packages of dist/NAME, for the script that installs them.
if (import.meta.main) {
  const everyday = process.argv[2] === 'programs-root'
  const packages = (everyday ? EVERYDAY : CASES).flatMap((one) => one.packages)
  console.log([...new Set([...OTHERS, ...(everyday ? CLIENTS : ['make']), ...packages])].sort().join(' '))
}
