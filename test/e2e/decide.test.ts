/** What nsbox says of a path, without starting anything, is what a box does: random rules, paths and attempts. */
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { decide } from '../../src/explain/decide.ts'
import { hostOfProgram } from '../../src/host/node.ts'
import type { BoxPlan } from '../../src/plan/types.ts'
import { inTemp, nsbox, planOf } from '../helpers/nsbox.ts'

const ATTEMPTS = Number(process.env.NSBOX_TEST_DECISIONS ?? 200)

/** Prints for each path what it leads to, what is there, and whether it can be written. Nothing stays changed. */
const PROBE = `
import json, os, sys
def found(p):
    try:
        if os.path.isdir(p): return 'directory' if 'there' in os.listdir(p) else 'empty'
        if not os.path.lexists(p): return 'nothing'
        with open(p) as f: return 'file' if f.read() else 'empty'
    except PermissionError: return 'empty'
def writes(p):
    try:
        if os.path.isdir(p): os.mkdir(p + '/.probe'); os.rmdir(p + '/.probe')
        elif os.path.lexists(p): open(p, 'ab').close()
        else: os.close(os.open(p, os.O_CREAT | os.O_EXCL)); os.unlink(p)
        return True
    except OSError: return False
print(json.dumps([[os.path.realpath(p), found(os.path.realpath(p)), writes(os.path.realpath(p))] for p in sys.argv[1:]]))
`

/** The same numbers for the same seed, so that a failure can be repeated: mulberry32. */
function numbersOf(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const NAMES = ['a', 'b', 'c']

/** A tree of directories that are never empty, files with content, and links. Returns all paths. */
function plant(top: string, random: (below: number) => number): { directories: string[]; all: string[] } {
  const directories = [top]
  const all = [top]
  for (let n = 0; n < 14; n++) {
    const path = join(directories[random(directories.length)]!, `${NAMES[random(3)]}${random(3)}`)
    if (all.includes(path)) continue
    const kind = random(5)
    if (kind < 3) mkdirSync(path)
    else if (kind === 3) writeFileSync(path, 'content')
    else symlinkSync(random(2) === 0 ? all[random(all.length)]! : `../${NAMES[random(3)]}${random(3)}`, path)
    all.push(path)
    if (kind < 3) {
      directories.push(path)
      writeFileSync(join(path, 'there'), 'content')
    }
  }
  return { directories, all }
}

function rulesOf(directories: string[], all: string[], random: (below: number) => number): string[] {
  const options = random(2) === 0 ? ['--ro'] : []
  const some = (list: string[]) => list[random(list.length)]!
  for (let n = 1 + random(5); n > 0; n--) {
    const inner = directories.slice(1)
    if (inner.length === 0) break
    switch (random(13)) {
      case 0:
        options.push('--bind', some(all))
        break
      case 1:
      case 2:
        options.push('--ro-bind', some(all))
        break
      case 3:
        options.push(random(2) === 0 ? '--bind' : '--ro-bind', `${some(inner)}:${some(inner)}`)
        break
      case 4:
        options.push('--mask', some(all.slice(1)))
        break
      case 5:
        options.push('--tmpfs', `${some(inner)}${random(2) === 0 ? ':ro' : ''}`)
        break
      case 6:
        options.push('--symlink', `${some(all)}:${some(directories)}/link`)
        break
      case 7:
        options.push('--dir', `${some(directories)}/made/deep`)
        break
      case 8:
        options.push('--write', some(all))
        break
      case 9:
      case 10:
        options.push('--keep', some(all.slice(1)))
        break
      case 11:
        options.push('--hide', some(all.slice(1)))
        break
      default:
        options.push('--ro-bind-try', `${some(directories)}/${NAMES[random(3)]}${random(3)}`)
    }
  }
  return options
}

test(
  `${ATTEMPTS} attempts on random paths with random rules end as decided`,
  inTemp((dir) => {
    writeFileSync(join(dir, 'probe.py'), PROBE)
    const { look } = hostOfProgram()
    let attempts = 0
    for (let seed = 1; attempts < ATTEMPTS; seed++) {
      assert.ok(seed < ATTEMPTS, 'too few of the random rules make a box')
      const random = numbersOf(seed)
      const top = join(dir, `t${seed}`)
      mkdirSync(top)
      writeFileSync(join(top, 'there'), 'content')
      const { directories, all } = plant(top, random)
      const options = [...rulesOf(directories, all, random), '--cwd', '/', '--quiet']
      const paths = [...all, ...all.map((path) => join(path, 'there')), join(top, 'none/none'), join(top, 'link/there')]
      const { status, stdout } = nsbox([...options, 'python3', join(dir, 'probe.py'), ...paths])
      // Such as a mask on what an earlier mount hides.
      if (status === 125) continue
      const plan = planOf([...options, 'true']) as unknown as BoxPlan
      const shown = (JSON.parse(stdout) as [string, string, boolean][]).map((one) => JSON.stringify(one))
      for (const [n, path] of paths.entries()) {
        const { path: real, finds, writable, shownBy, source } = decide(plan, path, look)
        const isAtMount = shownBy.type === 'mount' && shownBy.mount.target === real
        const hidden = isAtMount ? 'empty' : 'nothing'
        const [, seen] = JSON.parse(shown[n]!) as [string, string]
        // Directories that were made for the box may be empty.
        const isMade = source === undefined || !existsSync(source)
        const own = seen === 'empty' && isMade ? seen : finds
        const expected = finds === 'hidden' ? hidden : finds === 'directory' ? own : finds
        assert.is(shown[n], JSON.stringify([real, expected, writable]), `seed ${seed}: ${options.join(' ')}: ${path}`)
        attempts += 2
      }
    }
  }),
)

test.run()
