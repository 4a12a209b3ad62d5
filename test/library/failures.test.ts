/** What goes wrong before a command runs, and what is given in a wrong form: the same tests under Node and under Bun. */
import { runInBoth } from '../helpers/both.ts'

runInBoth('failures.mjs')
