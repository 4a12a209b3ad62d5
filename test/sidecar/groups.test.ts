/** The supplementary groups of a plan. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot, failure, planOf, sidecar } from '../helpers/nsbox.ts'

const onlyRoot = asRoot ? test : test.skip

onlyRoot('the command has the groups of the plan and no other (needs root)', () => {
  const plan = planOf(['--user', '12:34', 'sh', '-c', 'id -G'])
  plan.process.groups = [34, 7, 65533]
  assert.is(sidecar(plan).stdout, '34 7 65533\n')
  delete plan.process.dropGroups
  assert.is(sidecar(plan).stdout, '34 7 65533\n')
})

const onlyUser = asRoot ? test.skip : test

onlyUser('a group that is not mapped is an error (as a user)', () => {
  const plan = planOf(['--map-auto', '--user', '5', 'sh', '-c', 'id -G'])
  plan.process.groups = [5, 6]
  assert.is(sidecar(plan).stdout, '5 6\n')
  plan.process.groups = [5, 4000000]
  failure(
    sidecar(plan),
    /^nsbox: privileges: set supplementary groups: Invalid argument \(EINVAL\)\nhint: the id is not mapped in the box\n$/,
  )
})

test.run()
