/** Roots from the host's own programs. Only `nsbox rootfs` needs it. */
export { rootfsInBoxes } from './rootfs/boxed.ts'
export { rootfsCommand } from './rootfs/build.ts'
