/** 2,000 boxes of one program, much output, and programs that end badly: the same tests under Node and under Bun. */
// seconds: 300
import { runInBoth } from '../helpers/both.ts'

runInBoth('many.mjs')
