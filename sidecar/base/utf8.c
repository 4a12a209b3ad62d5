#include "base/utf8.h"

/* The ranges come from RFC 3629, section 4. */
size_t utf8_length(const unsigned char *p, size_t left)
{
	unsigned low = 0x80, high = 0xbf;
	size_t length;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	length = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] == 0xe0)
		low = 0xa0; /* overlong */
	if (p[0] == 0xed)
		high = 0x9f; /* surrogates */
	if (p[0] == 0xf0)
		low = 0x90; /* overlong */
	if (p[0] == 0xf4)
		high = 0x8f; /* above U+10FFFF */
	if (left < length || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return length;
}
