/** Interpreters and compilers. */
import { type Case, LIB } from './case.ts'

const PYTHON_THREAD =
  'import threading; threading.Thread(target=lambda: [0 for _ in iter(int, 1)], daemon=True).start()'

const JAVA = `
import java.net.URI;
import javax.net.ssl.HttpsURLConnection;
public class Main {
  public static void main(String[] words) throws Exception {
    var connection = (HttpsURLConnection) new URI(words[0]).toURL().openConnection();
    System.out.println(new String(connection.getInputStream().readAllBytes()));
  }
}`

export const LANGUAGES: readonly Case[] = [
  {
    program: 'python3',
    job: 'a request to a TLS server, by ssl',
    packages: ['python3', 'ca-certificates'],
    everyday: true,
    programs: ['python3'],
    more: ['--with', 'python,ca-certificates,nss'],
    says: ['is an interpreter, and its python library is not in the root'],
    command: [
      '/usr/bin/python3',
      '-c',
      'import urllib.request; print(urllib.request.urlopen("https://localhost:8443/").read())',
    ],
  },
  {
    program: 'python3',
    job: 'sqlite3, ctypes, bz2, lzma and curses',
    packages: ['python3'],
    everyday: true,
    programs: ['python3'],
    more: ['--with', 'python'],
    says: ['is an interpreter, and its python library is not in the root'],
    command: [
      '/usr/bin/python3',
      '-c',
      'import sqlite3, ctypes, bz2, lzma, curses; print(sqlite3.connect(":memory:").execute("select 6*7").fetchone(), ctypes.CDLL(None).abs(-3), lzma.decompress(lzma.compress(b"x")))',
    ],
  },
  {
    program: 'python3',
    job: 'ends while a daemon thread runs, 50 times',
    packages: ['python3'],
    everyday: true,
    programs: ['python3'],
    more: ['/usr/lib/python3.11'],
    times: 50,
    says: ['is an interpreter, and its python library is not in the root'],
    command: ['/usr/bin/python3', '-c', PYTHON_THREAD],
  },
  {
    program: 'perl',
    job: 'modules: POSIX, Storable, Digest::SHA, Encode, IO::Socket',
    packages: ['perl'],
    everyday: true,
    programs: ['perl'],
    more: ['--with', 'perl'],
    says: ['is an interpreter, and its perl library is not in the root'],
    command: [
      '/usr/bin/perl',
      '-e',
      'use POSIX; use Storable; use Digest::SHA "sha256_hex"; use Encode; use IO::Socket; print POSIX::floor(2.5), sha256_hex(encode("iso-8859-1", "\\x{e9}"))',
    ],
  },
  {
    program: 'ruby',
    job: 'json, digest and set',
    packages: ['ruby'],
    everyday: true,
    programs: ['ruby'],
    more: ['--with', 'ruby'],
    says: ['is an interpreter, and its ruby library is not in the root'],
    command: [
      '/usr/bin/ruby',
      '-e',
      'require "json"; require "digest"; require "set"; puts JSON.generate([Digest::SHA256.hexdigest("a")])',
    ],
  },
  {
    program: 'java',
    job: 'a jar that opens a TLS connection',
    packages: ['default-jdk-headless', 'ca-certificates'],
    programs: ['java'],
    more: ['--with', 'java,ca-certificates,nss'],
    setup: `cat >Main.java <<'END'${JAVA}\nEND\njavac Main.java && jar --create --file main.jar --main-class Main Main.class`,
    says: ['is an interpreter, and its java library is not in the root'],
    command: ['/usr/bin/java', '-Xmx128m', '-jar', '/work/main.jar', 'https://localhost:8443/'],
  },
  {
    program: 'node',
    job: 'a request to a TLS server, and Intl',
    packages: ['nodejs', 'ca-certificates'],
    programs: ['node'],
    more: ['--with', 'node,ca-certificates,nss'],
    says: ['is named by a program, is here, and is not in the root', '/usr/share/nodejs'],
    command: [
      '/usr/bin/node',
      '--use-openssl-ca',
      '-e',
      'require("https").get("https://localhost:8443/", (r) => r.on("data", (d) => console.log(String(d), new Intl.DateTimeFormat("de", { timeZone: "Asia/Tokyo" }).format(0))))',
    ],
  },
  {
    program: 'gcc',
    job: 'compiles a program, which runs',
    packages: ['gcc', 'libc6-dev'],
    programs: ['gcc', 'sh'],
    more: ['as', 'ld', '/usr/lib/gcc', '/usr/include', LIB],
    setup: `printf '#include <stdio.h>\\n#include <math.h>\\nint main(void) { return printf("%%g\\\\n", sqrt(2)) < 0; }\\n' >a.c`,
    makes: ['a.out'],
    env: { PATH: '/usr/bin' },
    says: ['is named by a program, is here, and is not in the root', '/usr/lib/gcc'],
    command: ['/bin/sh', '-c', 'gcc -o /work/a.out /work/a.c -lm && /work/a.out'],
  },
  {
    program: 'go',
    job: 'go run',
    packages: ['golang-go'],
    programs: ['go'],
    more: ['/usr/lib/go-1.19', '/usr/share/go-1.19'],
    setup: `printf 'package main\\nimport "fmt"\\nfunc main() { fmt.Println(6 * 7) }\\n' >a.go`,
    scratch: ['cache'],
    env: { GOCACHE: '/work/cache', GOFLAGS: '-trimpath', CGO_ENABLED: '0' },
    says: ['is named by a program, is here, and is not in the root', '/usr/lib/go-1.19'],
    command: ['/usr/bin/go', 'run', '/work/a.go'],
  },
  {
    program: 'gdb',
    job: 'the stack of a core file',
    packages: ['gdb', 'gcc', 'libc6-dev'],
    programs: ['gdb'],
    more: ['/usr/share/gdb', `${LIB}/libthread_db.so.1`, '--with', 'python'],
    setup: `printf 'int f(int a) { return a; } int main(void) { return f(3); }\\n' >core.c
      gcc -g -o crashed core.c
      gdb -batch -ex 'break f' -ex run -ex 'generate-core-file core' crashed >/dev/null`,
    says: ['is an interpreter, and its python library is not in the root'],
    command: [
      '/usr/bin/gdb',
      '-batch',
      '-ex',
      'backtrace',
      '-ex',
      'python print(gdb.VERSION)',
      '/work/crashed',
      '/work/core',
    ],
  },
]
