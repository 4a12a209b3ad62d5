// runs once
/** Credentials and tokens of registries, under Node and under Bun. */
import { join } from 'node:path'
import { runSourceInBoth } from '../helpers/both-sources.ts'

await runSourceInBoth(join(import.meta.dir, 'both/login.ts'))
