/** child_process's functions, and run, with commands in boxes: the same tests under Node and under Bun. */
import { runInBoth } from '../helpers/both.ts'

runInBoth('spawn.mjs')
