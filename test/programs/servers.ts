/** Servers, and programs that speak with one. */
import { readFileSync } from 'node:fs'
import type { Case } from './case.ts'

const NGINX = `
daemon off; pid /work/nginx.pid; error_log stderr; user root;
events {}
http {
  access_log off; client_body_temp_path /work/t1; proxy_temp_path /work/t2; fastcgi_temp_path /work/t3;
  uwsgi_temp_path /work/t4; scgi_temp_path /work/t5;
  server { listen 127.0.0.1:8444 ssl; ssl_certificate /work/server.pem; ssl_certificate_key /work/server.key;
    location / { return 200 "from nginx"; } }
}`

async function redis(command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (): void => reject(new Error('redis does not answer'))
    Bun.connect({
      hostname: '127.0.0.1',
      port: 6399,
      socket: {
        open: (socket) => void socket.write(command),
        data: (socket, bytes) => {
          resolve(String(bytes))
          socket.end()
        },
        error: fail,
        connectError: fail,
      },
    }).catch(reject)
  })
}

export const SERVERS: readonly Case[] = [
  {
    program: 'nginx',
    job: 'a page by TLS',
    packages: ['nginx-light'],
    everyday: true,
    programs: ['nginx'],
    more: ['--with', 'nss'],
    setup: `cp /tls/server.pem /tls/server.key .; cat >nginx.conf <<'END'${NGINX}\nEND`,
    says: ['looks up users or groups, and the root has none'],
    command: ['/usr/sbin/nginx', '-e', 'stderr', '-c', '/work/nginx.conf'],
    client: async () =>
      (await fetch('https://localhost:8444/', { tls: { ca: readFileSync('/tls/ca.pem', 'utf8') } })).text(),
  },
  {
    program: 'redis',
    job: 'sets and gets, by a script of Lua too',
    packages: ['redis-server'],
    everyday: true,
    programs: ['redis-server'],
    command: [
      '/usr/bin/redis-server',
      '--port',
      '6399',
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--dir',
      '/work',
      '--logfile',
      '/dev/null',
    ],
    client: () => redis('*3\r\n$4\r\nEVAL\r\n$11\r\nreturn 6 *7\r\n$1\r\n0\r\n'),
  },
  {
    program: 'git',
    job: 'clone over HTTP',
    packages: ['git'],
    everyday: true,
    programs: ['git'],
    more: ['/usr/lib/git-core', '/usr/share/git-core', '--with', 'nss', 'sh'],
    setup: `export HOME=/work; git init -q --bare repo.git; git init -q made; cd made; echo text >file; git add file
      git -c user.name=a -c user.email=a@localhost commit -q -m first; git push -q ../repo.git HEAD:refs/heads/master
      cd ..; git -C repo.git update-server-info; rm -rf made`,
    scratch: ['clone'],
    says: ['is named by a program, is here, and is not in the root', '/usr/lib/git-core'],
    command: ['/usr/bin/git', 'clone', 'http://localhost:8080/repo.git', '/work/clone'],
  },
  {
    program: 'postgresql',
    job: 'initdb, and one query',
    packages: ['postgresql'],
    programs: ['/usr/lib/postgresql/15/bin/initdb', '/usr/lib/postgresql/15/bin/postgres', 'sh'],
    more: ['/usr/lib/postgresql', '/usr/share/postgresql', 'locale', '--with', 'nss,tz,locale'],
    user: 'postgres',
    setup: 'chmod 777 .',
    scratch: ['db'],
    same: (text) => text.replace(/\d{4}-\d\d-\d\d [\d:.]+ \w+ \[\d+\]/g, '*'),
    says: ['is named by a program, is here, and is not in the root', '/usr/share/postgresql/15'],
    command: [
      '/bin/sh',
      '-c',
      'cd /usr/lib/postgresql/15/bin && ./initdb -D /work/db --no-sync && echo "select 6*7 as answer" | ./postgres --single -c log_checkpoints=off -D /work/db postgres',
    ],
  },
]
