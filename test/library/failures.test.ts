/** Failures before a command runs, and invalid options: the same tests under Node and under Bun. */
import { runInBoth } from '../helpers/both.ts'

runInBoth('failures.mjs')
