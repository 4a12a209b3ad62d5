// runs once
/** The registry client, under Node and under Bun. */
import { join } from 'node:path'
import { runSourceInBoth } from '../helpers/both-sources.ts'

await runSourceInBoth(join(import.meta.dir, 'both/client.ts'))
