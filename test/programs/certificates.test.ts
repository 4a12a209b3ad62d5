/**
 * Where Fedora and Alpine keep certificates, by their documented paths, which `--with ca-certificates` takes: made in a
 * Debian, whose /etc is a copy for that.
 */
// runs once
// seconds: 200
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { absence, inGuest } from './guest.ts'

const missing = absence('programs-root')

/** ca-certificates, openssl-libs, crypto-policies and java's headless package of Fedora. */
const FEDORA = {
  make: `
    rm -rf /etc/ssl
    mkdir -p /etc/pki/ca-trust/extracted/pem /etc/pki/ca-trust/extracted/java /etc/pki/tls/certs /etc/pki/tls/private /etc/pki/java
    mkdir -p /etc/pki/ca-trust/source/anchors /etc/pki/tls/openssl.d /etc/crypto-policies/back-ends
    cp /tls/ca.pem /etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem
    echo store >/etc/pki/ca-trust/extracted/java/cacerts
    cp /tls/ca.pem /etc/pki/ca-trust/source/anchors/own.pem
    ln -s /etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem /etc/pki/tls/cert.pem
    ln -s /etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem /etc/pki/tls/certs/ca-bundle.crt
    ln -s /etc/pki/ca-trust/extracted/java/cacerts /etc/pki/java/cacerts
    echo secret >/etc/pki/tls/private/localhost.key
    echo settings >/etc/pki/tls/openssl.cnf
    echo settings >/etc/crypto-policies/back-ends/opensslcnf.config`,
  there: [
    ...[
      '/etc/pki/tls/cert.pem',
      '/etc/pki/tls/certs/ca-bundle.crt',
      '/etc/pki/tls/openssl.cnf',
      '/etc/pki/java/cacerts',
    ],
    ...['/etc/crypto-policies/back-ends/opensslcnf.config', '/etc/pki/ca-trust/source/anchors/own.pem'],
  ],
}

/** ca-certificates and libcrypto3 of Alpine. */
const ALPINE = {
  make: `
    rm -rf /etc/ssl
    mkdir -p /etc/ssl/certs /etc/ssl/private
    cp /tls/ca.pem /etc/ssl/certs/ca-certificates.crt
    ln -s certs/ca-certificates.crt /etc/ssl/cert.pem
    ln -s /usr/local/share/ca-certificates/nsbox-test.crt /etc/ssl/certs/ca-cert-test.pem
    ln -s ca-cert-test.pem /etc/ssl/certs/01234567.0
    echo secret >/etc/ssl/private/localhost.key
    ln -s /etc/ssl/private/localhost.key /etc/ssl/certs/own.key
    echo settings >/etc/ssl/openssl.cnf; echo settings >/etc/ssl/ct_log_list.cnf`,
  there: [
    ...['/etc/ssl/certs/ca-certificates.crt', '/etc/ssl/cert.pem', '/etc/ssl/certs/01234567.0', '/etc/ssl/openssl.cnf'],
    '/etc/ssl/ct_log_list.cnf',
  ],
}

for (const [system, { make, there }] of Object.entries({ Fedora: FEDORA, Alpine: ALPINE })) {
  const title = `certificates where ${system} keeps them, and no private key`
  if (missing !== undefined) test.skip(`${title} (${missing})`, () => undefined)
  else
    test(title, () => {
      const found = inGuest('programs-root', [
        '/bin/sh',
        '-euc',
        `cp -a /etc /run/etc; mount --bind /run/etc /etc
         ${make}
         nsbox rootfs build --quiet /roots/root true --with ca-certificates
         cd /roots/root; for path; do test -L ".$path" || test -f ".$path"; cat ".$(readlink -f "$path")" >/dev/null; echo "$path"; done
         find . -name '*.key'`,
        'sh',
        ...there,
      ])
      assert.equal(found.trim().split('\n'), there)
    })
}

test.run()
