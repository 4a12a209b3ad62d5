/** Roots from the host's own programs. Only `nsbox rootfs` needs it. */
export { rootfsCommand } from './rootfs/build.ts'
