/** What `nsbox rootfs build` lets one choose. On its own, so that the option table needs nothing else of a builder. */
export const METHODS = ['copy', 'hardlink', 'reflink'] as const
export type Method = (typeof METHODS)[number]

export const EXTRAS = ['nss', 'locale', 'terminfo', 'ca-certificates'] as const
export type Extra = (typeof EXTRAS)[number]

export type RootfsOptions = { by?: Method; with?: Extra[]; quiet?: boolean }
