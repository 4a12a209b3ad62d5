/**
 * The choices of `nsbox rootfs build`, in a file of their own so that the option table loads nothing else of the
 * builder.
 */
export const METHODS = ['copy', 'hardlink', 'reflink'] as const
export type Method = (typeof METHODS)[number]

export const EXTRAS = ['nss', 'locale', 'terminfo', 'ca-certificates'] as const
export type Extra = (typeof EXTRAS)[number]

export type RootfsOptions = { by?: Method; with?: Extra[]; quiet?: boolean }
