/** The commands of the guide to many machines, on a Slurm of one machine, in a Debian root of its own. */
// runs once
// seconds: 120
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { blocksOf, shows, TOP } from '../helpers/documents.ts'
import { asRoot, execute, NSBOX } from '../helpers/nsbox.ts'

const GUIDE = 'docs/guides/many-machines.md'
const ROOT = join(TOP, 'dist/slurm-root')
const skipped = join(TOP, 'dist/slurm-root.skipped')

const reason = !asRoot
  ? 'needs root'
  : existsSync(ROOT)
    ? undefined
    : existsSync(skipped)
      ? readFileSync(skipped, 'utf8').trim()
      : 'dist/slurm-root is not there: make slurm-root makes it'

const CONFIGURATION = `ClusterName=one
SlurmctldHost=node(127.0.0.1)
AuthType=auth/none
CredType=cred/none
SlurmUser=root
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=none
KillWait=2
SlurmdParameters=config_overrides
StateSaveLocation=/var/spool/slurmctld
SlurmdSpoolDir=/var/spool/slurmd
SlurmctldPidFile=/run/slurmctld.pid
SlurmdPidFile=/run/slurmd.pid
NodeName=node NodeAddr=127.0.0.1 CPUs=4 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES State=UP OverSubscribe=FORCE
`

/**
 * Makes the machine, in namespaces of its own: $1 is the root, $2 a directory with programs and scripts. The address on
 * lo is there since the C library doesn't count 127.0.0.1 as one.
 */
const MACHINE = `set -eu
root=$1 files=$2
hostname node
ip link set lo up
ip addr add 192.0.2.1/32 dev lo
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --rbind /sys "$root/sys"
for d in run tmp work etc/slurm var/spool var/log usr/local/bin; do mkdir -p "$root/$d"; mount -t tmpfs -o mode=1777 tmpfs "$root/$d"; done
mount --bind "$files" "$root/checkout"
cd "$root"
pivot_root . mnt
umount -l /mnt
cp /checkout/nsbox /usr/local/bin
cp /checkout/slurm.conf /etc/slurm
unset TMPDIR XDG_RUNTIME_DIR
export PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/work
cd /work
mkdir -p /var/spool/slurmd /var/spool/slurmctld
slurmctld -D >/tmp/controller 2>&1 & slurmd -D -N node >/tmp/node 2>&1 &
for i in $(seq 40); do ! timeout 5 sinfo -h -o %T 2>/dev/null | grep -q idle || break; [ $i -lt 40 ] || { tail /tmp/controller /tmp/node; exit 1; }; sleep 0.5; done
for script in /checkout/script-*; do
	echo "@@begin $script"
	status=0
	timeout 60 bash -euo pipefail $script 2>/tmp/errors </dev/null || status=$?
	echo "@@errors"
	cat /tmp/errors
	echo "@@end $status"
done
`

type Output = { status: number; output: string; errors: string }

function onSlurm(scripts: readonly string[]): Output[] {
  const dir = mkdtempSync(join(tmpdir(), 'nsbox-'))
  try {
    execute('cp', [NSBOX, join(dir, 'nsbox')])
    execute('chmod', ['755', dir])
    writeFileSync(join(dir, 'slurm.conf'), CONFIGURATION)
    scripts.forEach((script, i) => writeFileSync(join(dir, `script-${String(i).padStart(2, '0')}`), script))
    const namespaces = ['-m', '-p', '-u', '-n', '--fork', '--kill-child', '--propagation', 'private']
    const args = [...namespaces, 'sh', '-c', MACHINE, 'sh', ROOT, dir]
    const { status, stdout, stderr } = execute('unshare', args, { timeout: 110000 })
    assert.is(status, 0, stdout + stderr)
    return [...stdout.matchAll(/^@@begin \S+\n([^]*?)@@errors\n([^]*?)@@end (\d+)$/gm)].map(
      ([, output = '', errors = '', code]) => ({ status: Number(code), output, errors }),
    )
  } finally {
    rmSync(dir, { recursive: true })
  }
}

const MISSING: Output = { status: -1, output: '', errors: 'was not reached' }

/** What the guide doesn't show. */
const MORE = {
  'scancel ends the box, and all that is in it': {
    script: `nsbox plan --root ./r --dev -- sh -c 'trap "echo told; exit 0" TERM; echo runs; sleep 1000 & wait' >long.json
job=$(sbatch --parsable --output=long --wrap 'exec nsbox run --plan long.json')
for i in $(seq 100); do ! grep -q runs long 2>/dev/null || break; sleep 0.1; done
scancel --full $job
for i in $(seq 150); do [ -n "$(squeue -h -j $job)" ] || break; sleep 0.1; done
grep -x told long; ps -e -o args= | grep -c '[s]leep 1000' || true`,
    output: 'told\n0\n',
  },
  'a task of an ordinary user is a box of that user': {
    script: `nsbox rootfs build ./u id --quiet; chmod 755 . u; nsbox plan --root ./u --ro -- id -u >user.json; chmod 644 user.json
setpriv --reuid 65534 --regid 65534 --clear-groups nsbox plan --root ./u --ro -- id -u >user.json
setpriv --reuid 65534 --regid 65534 --clear-groups srun nsbox run --plan user.json`,
    output: '65534\n',
  },
  'a signal that ends the command is the status of srun': {
    script: `srun nsbox --root ./r sh -c 'kill -KILL $$' || echo $?`,
    output: '137\n',
  },
}

if (reason !== undefined) {
  test.skip(`the guide to many machines works on a Slurm (${reason})`, () => undefined)
  console.log(`skipped: Slurm: ${reason}`)
} else {
  const blocks = blocksOf(GUIDE)
  const recipes = blocks.flatMap((block, i) => (block.language === 'sh' ? [{ block, next: blocks[i + 1] }] : []))
  const outputs = onSlurm([
    ...recipes.map(({ block }) => block.code),
    ...Object.values(MORE).map(({ script }) => script),
  ])

  recipes.forEach(({ block, next }, i) =>
    test(`${GUIDE}:${block.line} ${block.code.split('\n')[0]}`, () => {
      const { status, output, errors } = outputs[i] ?? MISSING
      assert.is(status, 0, output + errors)
      if (next?.language === 'text') assert.ok(shows(output, next.code), output)
    }),
  )
  Object.entries(MORE).forEach(([title, { output: expected }], i) =>
    test(title, () => {
      const { output, errors } = outputs[recipes.length + i] ?? MISSING
      assert.is(output, expected, errors)
    }),
  )
}

const verifies = Bun.which('systemd-analyze') === null ? test.skip : test
verifies("systemd takes the guide's unit", () => {
  const unit = blocksOf(GUIDE).find(({ language }) => language === 'ini')
  assert.ok(unit !== undefined)
  const dir = mkdtempSync(join(tmpdir(), 'nsbox-'))
  try {
    // The program has to be there for systemd.
    writeFileSync(join(dir, 'box.service'), unit.code.replace('/usr/bin/nsbox', NSBOX))
    const { status, stderr } = execute('systemd-analyze', ['verify', '--man=no', join(dir, 'box.service')])
    assert.equal([status, stderr], [0, ''])
  } finally {
    rmSync(dir, { recursive: true })
  }
})

test.run()
