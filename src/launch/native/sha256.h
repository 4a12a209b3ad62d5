/* SHA-256, FIPS 180-4: by it a record knows a file's content without having it. */
#ifndef NSBOX_NATIVE_SHA256_H
#define NSBOX_NATIVE_SHA256_H

#include "text.h"

enum { SHA256_DIGITS = 64, SHA256_WORDS = 8, SHA256_BLOCK = 64 };

/* The standard's constants: parts of the cube roots of 64 primes, and of the square roots of 8. */
__asm__(".balign 4\n"
		"sha256_rounds:\n"
		".long 0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5\n"
		".long 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174\n"
		".long 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da\n"
		".long 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967\n"
		".long 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85\n"
		".long 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070\n"
		".long 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3\n"
		".long 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2\n"
		"sha256_start:\n"
		".long 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19\n");

struct sha256 {
	uint32_t words[SHA256_WORDS];
	uint64_t length;
	unsigned char block[SHA256_BLOCK];
};

static uint32_t rotated(uint32_t word, int by) { return word >> by | word << (32 - by); }

static void sha256_add_block(struct sha256 *sum)
{
	const uint32_t *rounds = ADDRESS_OF("sha256_rounds");
	uint32_t schedule[64], now[SHA256_WORDS];
	for (int i = 0; i < 64; i++) {
		if (i < 16) {
			const unsigned char *at = sum->block + 4 * (uint64_t)i;
			schedule[i] = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
			continue;
		}
		uint32_t a = schedule[i - 15], b = schedule[i - 2];
		schedule[i] = schedule[i - 16] + schedule[i - 7] + (rotated(a, 7) ^ rotated(a, 18) ^ a >> 3) +
					  (rotated(b, 17) ^ rotated(b, 19) ^ b >> 10);
	}
	for (int i = 0; i < SHA256_WORDS; i++)
		now[i] = sum->words[i];
	for (int i = 0; i < 64; i++) {
		uint32_t a = now[0], e = now[4];
		uint32_t first = now[7] + (rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)) + ((e & now[5]) ^ (~e & now[6])) +
						 rounds[i] + schedule[i];
		uint32_t second =
			(rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) + ((a & now[1]) ^ (a & now[2]) ^ (now[1] & now[2]));
		for (int n = SHA256_WORDS - 1; n > 0; n--)
			now[n] = now[n - 1];
		now[4] += first;
		now[0] = first + second;
	}
	for (int i = 0; i < SHA256_WORDS; i++)
		sum->words[i] += now[i];
}

static void sha256_begin(struct sha256 *sum)
{
	const uint32_t *start = ADDRESS_OF("sha256_start");
	for (int i = 0; i < SHA256_WORDS; i++)
		sum->words[i] = start[i];
	sum->length = 0;
}

static void sha256_add(struct sha256 *sum, const char *bytes, uint64_t length)
{
	for (uint64_t i = 0; i < length; i++) {
		sum->block[sum->length++ % SHA256_BLOCK] = (unsigned char)bytes[i];
		if (sum->length % SHA256_BLOCK == 0)
			sha256_add_block(sum);
	}
}

/* Puts the sum's hexadecimal digits into DIGITS, with a NUL. */
static void sha256_end(struct sha256 *sum, char digits[SHA256_DIGITS + 1])
{
	const uint64_t bits = 8 * sum->length;
	char byte = (char)0x80;
	do {
		sha256_add(sum, &byte, 1);
		byte = 0;
	} while (sum->length % SHA256_BLOCK != SHA256_BLOCK - 8);
	for (int shift = 56; shift >= 0; shift -= 8) {
		byte = (char)(bits >> shift);
		sha256_add(sum, &byte, 1);
	}
	for (int i = 0; i < SHA256_DIGITS; i++) {
		uint32_t digit = sum->words[i / 8] >> (28 - 4 * (i % 8)) & 15;
		digits[i] = (char)(digit + (digit < 10 ? '0' : 'a' - 10));
	}
	digits[SHA256_DIGITS] = 0;
}

#endif
