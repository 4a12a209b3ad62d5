/*
 * Places an array behind all other variables, so that those that every start writes lie on few pages: each page takes a
 * page fault in each process of a box. Compilers know by the section's name that it has no bytes in the file; the
 * linker puts it behind .bss, where link-time optimization would scatter the array's neighbours.
 */
#ifndef NSBOX_LIBC_LARGE_H
#define NSBOX_LIBC_LARGE_H

#define LARGE_ARRAY __attribute__((section(".sbss.large")))

#endif
