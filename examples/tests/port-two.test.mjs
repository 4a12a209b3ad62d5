// Listens on the same port as the other tests, and writes the same file.
import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'

assert.equal(existsSync('/tmp/state'), false)
writeFileSync('/tmp/state', 'two')
const server = createServer((_, response) => response.end('two')).listen(8080, '127.0.0.1')
await new Promise((ready) => server.once('listening', ready))
assert.equal(await (await fetch('http://127.0.0.1:8080')).text(), 'two')
server.close()
