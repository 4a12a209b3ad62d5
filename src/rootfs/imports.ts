/**
 * The functions that an ELF file imports show which files it opens when it runs, itself or through a library (mostly
 * the C library), by names that stand in no header.
 */

/** A row is one line of the report. */
type Watch = {
  /** A sentence about files with such an import: what they do, and what they lack. */
  says: string
  /** Imports that lead there. */
  symbols: readonly string[]
  /** A root with a file or link of such a path has what is needed; absent: reading can't tell. */
  covered?: RegExp
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

/** Functions that open a library by name. */
export const OPENING: readonly string[] = ['dlopen', 'dlmopen']

export const WATCHED: readonly Watch[] = [
  {
    says: 'opens libraries by names that reading does not show (dlopen)',
    symbols: OPENING,
    hint: 'name them, or their directory, too',
  },
  {
    says: 'looks up users or groups, and the root has none',
    symbols: [
      ...['getpwnam', 'getpwnam_r', 'getpwuid', 'getpwuid_r', 'getgrnam', 'getgrnam_r', 'getgrgid', 'getgrgid_r'],
      ...['getpwent', 'getgrent', 'getgrouplist', 'initgroups'],
    ],
    covered: /\/etc\/passwd/,
    hint: '--with nss',
  },
  {
    says: 'looks up host names, and the root has no file that says where',
    symbols: ['getaddrinfo', 'getnameinfo', 'gethostbyname', 'gethostbyname_r', 'gethostbyname2_r', 'gethostbyaddr'],
    covered: /\/etc\/resolv\.conf|\/etc\/hosts/,
    hint: '--with nss',
  },
  {
    says: 'looks up services or protocols by name, and the root has none',
    symbols: ['getservbyname', 'getservbyport', 'getservbyname_r', 'getprotobyname', 'getprotobynumber'],
    covered: /\/etc\/services|\/etc\/protocols/,
    hint: '--with nss',
  },
  {
    says: 'converts character sets, and the root has only those in the C library (UTF-8, UTF-16, ASCII, ...)',
    symbols: ['iconv_open'],
    covered: /\/gconv\//,
    hint: '--with gconv',
    glibcOnly: true,
  },
  {
    says: 'sets a locale, and the root has none: text is ASCII, whatever LANG says',
    symbols: ['setlocale', 'newlocale'],
    covered: /\/usr\/lib\/locale\//,
    hint: '--with locale',
    glibcOnly: true,
  },
  {
    says: 'reads the time zone, and the root has none: times are in UTC',
    symbols: ['localtime', 'localtime_r', 'mktime', 'tzset'],
    covered: /\/etc\/localtime|\/zoneinfo\//,
    hint: '--with tz',
  },
  {
    says: 'looks for a description of the terminal, and the root has none',
    symbols: ['setupterm', 'tgetent', 'initscr', 'newterm'],
    covered: /\/terminfo\//,
    hint: '--with terminfo',
  },
  {
    says: 'checks certificates, and the root has none',
    symbols: [
      ...['SSL_CTX_set_default_verify_paths', 'X509_STORE_set_default_paths', 'X509_get_default_cert_file'],
      ...['gnutls_certificate_set_x509_system_trust', 'gnutls_x509_trust_list_add_system_trust'],
    ],
    covered: /\/ca-certificates\.crt|\/ca-bundle|\/tls-ca-bundle\.pem|\/etc\/ssl\/cert\.pem/,
    hint: '--with ca-certificates',
  },
  {
    says: 'knows file types by a database, and the root has none',
    symbols: ['magic_load', 'magic_open'],
    covered: /\/magic\.mgc|\/etc\/magic/,
    hint: '--with magic',
  },
  {
    says: 'reads pictures by plugins, and the root has none of gdk-pixbuf',
    symbols: [
      'gdk_pixbuf_new_from_file',
      'gdk_pixbuf_new_from_stream',
      'gdk_pixbuf_loader_new',
      'gdk_pixbuf_get_formats',
    ],
    covered: /\/gdk-pixbuf-2\.0\/.*loaders/,
    hint: 'name the directory gdk-pixbuf-2.0 of /usr/lib, and /usr/share/mime',
  },
  {
    says: 'shows windows by plugins, and the root has none of Qt',
    // The constructors of QGuiApplication and QApplication.
    symbols: ['15QGuiApplication', '12QApplication'].flatMap((name) =>
      ['C1', 'C2'].map((c) => `_ZN${name}${c}ERiPPci`),
    ),
    covered: /\/platforms\/libq\w+\.so$/,
    hint: 'name the directory plugins/platforms of Qt in /usr/lib',
  },
  {
    says: 'looks for fonts, and the root has no settings for them',
    symbols: ['FcInit', 'FcInitLoadConfigAndFonts', 'FcFontMatch', 'FcConfigSubstitute'],
    covered: /\/etc\/fonts\//,
    hint: '--with fonts',
  },
  {
    says: 'runs commands by /bin/sh, which the root does not have',
    symbols: ['system', 'popen'],
    covered: /\/bin\/sh$/,
    hint: 'name sh too',
  },
]

/** Functions that start another program; of interest in programs alone, since libraries have them for rare cases. */
export const STARTING = [
  ...['execve', 'execv', 'execvp', 'execvpe', 'execl', 'execlp', 'execle', 'fexecve', 'posix_spawn', 'posix_spawnp'],
  ...['system', 'popen'],
]

/** Interpreters by the name of the program or library, and the set that has what they load. */
export const INTERPRETERS: readonly { name: RegExp; set: string; covered: RegExp }[] = [
  { name: /^(lib)?python\d/, set: 'python', covered: /\/lib(64)?\/python\d[^/]*\/encodings\// },
  { name: /^(perl\d*|libperl\.so)/, set: 'perl', covered: /\/perl[^/]*\/(.*\/)?strict\.pm$/ },
  { name: /^(lib)?ruby[-.\d]*(\.so|$)/, set: 'ruby', covered: /\/rubygems\.rb$/ },
  { name: /^java$/, set: 'java', covered: /\/lib\/(modules|rt\.jar)$/ },
]

/** All imports that mean something to us. */
export const SYMBOLS: readonly string[] = [
  ...new Set([...UNWINDING, ...STARTING, ...WATCHED.flatMap((row) => row.symbols)]),
]
