/**
 * What the functions that an ELF file imports tell about the files that it opens when it runs: of a library, mostly the
 * C library, which opens them by names that stand in no header.
 */

/** A row is one line of the report. */
type Watch = {
  /** What files with such an import do, and what they lack. */
  says: string
  /** Imports that lead there. */
  symbols: readonly string[]
  /** A root with a file whose path has one of these has what is needed. */
  covered: readonly string[]
  /** The way out. */
  hint: string
  /** musl needs no file for it. */
  glibcOnly?: true
}

/**
 * glibc ends a thread by unwinding its stack, with functions that it takes from libgcc_s.so.1. Without the library the
 * program aborts when a thread ends or is cancelled; a backtrace is empty.
 */
export const UNWINDING = ['pthread_exit', 'pthread_cancel', 'thrd_exit', 'backtrace'] as const
export const UNWINDER = 'libgcc_s.so.1'

export const WATCHED: readonly Watch[] = [
  {
    says: 'opens libraries by names that reading does not show (dlopen)',
    symbols: ['dlopen', 'dlmopen'],
    covered: [],
    hint: 'name them, or their directory, too',
  },
  {
    says: 'looks up users or groups, and the root has none',
    symbols: [
      ...['getpwnam', 'getpwnam_r', 'getpwuid', 'getpwuid_r', 'getgrnam', 'getgrnam_r', 'getgrgid', 'getgrgid_r'],
      ...['getpwent', 'getgrent', 'getgrouplist', 'initgroups'],
    ],
    covered: ['/etc/passwd'],
    hint: '--with nss',
  },
  {
    says: 'looks up host names, and the root has no file that says where',
    symbols: ['getaddrinfo', 'getnameinfo', 'gethostbyname', 'gethostbyname_r', 'gethostbyname2_r', 'gethostbyaddr'],
    covered: ['/etc/resolv.conf', '/etc/hosts'],
    hint: '--with nss',
  },
  {
    says: 'looks up services or protocols by name, and the root has none',
    symbols: ['getservbyname', 'getservbyport', 'getservbyname_r', 'getprotobyname', 'getprotobynumber'],
    covered: ['/etc/services', '/etc/protocols'],
    hint: '--with nss',
  },
  {
    says: 'converts character sets, and the root has only those in the C library (UTF-8, UTF-16, ASCII, ...)',
    symbols: ['iconv_open'],
    covered: ['/gconv/'],
    hint: '--with gconv',
    glibcOnly: true,
  },
  {
    says: 'reads the time zone, and the root has none: times are in UTC',
    symbols: ['localtime', 'localtime_r', 'mktime', 'tzset'],
    covered: ['/etc/localtime', '/zoneinfo/'],
    hint: '--with tz',
  },
  {
    says: 'looks for a description of the terminal, and the root has none',
    symbols: ['setupterm', 'tgetent', 'initscr', 'newterm'],
    covered: ['/terminfo/'],
    hint: '--with terminfo',
  },
]

/** All imports that mean something to us. */
export const SYMBOLS: readonly string[] = [...new Set([...UNWINDING, ...WATCHED.flatMap((row) => row.symbols)])]
