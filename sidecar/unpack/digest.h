/* SHA-256, by OpenSSL's functions, which use the processor's own instructions where it has them. */
#ifndef NSBOX_UNPACK_DIGEST_H
#define NSBOX_UNPACK_DIGEST_H

#include <stddef.h>
/* The newer interface (EVP) brings all of OpenSSL's providers into the program. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

enum { DIGEST_TEXT = 2 * SHA256_DIGEST_LENGTH + 1 };

/* Ends STATE's digest and writes it as hexadecimal digits. */
static inline void digest_end(SHA256_CTX *state, char text[DIGEST_TEXT])
{
	unsigned char bytes[SHA256_DIGEST_LENGTH];
	SHA256_Final(bytes, state);
	for (size_t i = 0; i < sizeof bytes; i++) {
		text[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
		text[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
	}
	text[DIGEST_TEXT - 1] = '\0';
}

#endif
