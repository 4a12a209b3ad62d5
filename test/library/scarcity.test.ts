/** Too few descriptors, processes or bytes, and a damaged package: the same tests under Node and under Bun. */
import { runInBoth } from '../helpers/both.ts'

runInBoth('scarcity.mjs')
