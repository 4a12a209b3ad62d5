#include "net/hello.h"

#include <stdbool.h>
#include <string.h>

enum { RECORD_HEADER = 5, HANDSHAKE = 22, MAX_RECORD = 16 << 10, CLIENT_HELLO = 1 };
enum { SERVER_NAME = 0 /* the extension, and the kind of name in it */ };

/* Bytes that are read in turn. */
struct part {
	const uint8_t *at;
	size_t left;
	/* Too few bytes were left for something. */
	bool failed;
};

static size_t take_big_endian(struct part *part, unsigned bytes)
{
	size_t number = 0;
	if (part->left < bytes)
		part->failed = true;
	for (unsigned i = 0; i < bytes && !part->failed; i++, part->left--)
		number = number << 8 | *part->at++;
	return part->failed ? 0 : number;
}

/* What follows its own length, of so many bytes. */
static struct part take_part(struct part *part, unsigned bytes)
{
	size_t length = take_big_endian(part, bytes);
	if (length > part->left)
		part->failed = true;
	struct part inner = {part->at, part->failed ? 0 : length, part->failed};
	part->at += inner.left;
	part->left -= inner.left;
	return inner;
}

static enum hello read_server_name(struct part extension, char name[NAME_SIZE])
{
	struct part list = take_part(&extension, 2);
	size_t kind = take_big_endian(&list, 1);
	struct part text = take_part(&list, 2);
	/* One name of the only kind there is, and nothing behind it. */
	if (text.failed || kind != SERVER_NAME || list.left > 0 || extension.left > 0)
		return HELLO_NONE;
	return name_read((const char *)text.at, text.left, name) ? HELLO_NONE : HELLO_NAME;
}

static enum hello read_message(struct part hello, char name[NAME_SIZE])
{
	enum hello found = HELLO_NO_NAME;
	take_big_endian(&hello, 2); /* version */
	for (int i = 0; i < 8; i++)
		take_big_endian(&hello, 4); /* random */
	take_part(&hello, 1); /* session */
	take_part(&hello, 2); /* ciphers */
	take_part(&hello, 1); /* compression */
	if (hello.failed)
		return HELLO_NONE;
	/* Versions before TLS 1.3 may have no extensions. */
	if (hello.left == 0)
		return HELLO_NO_NAME;
	struct part extensions = take_part(&hello, 2);
	while (extensions.left > 0) {
		size_t kind = take_big_endian(&extensions, 2);
		struct part extension = take_part(&extensions, 2);
		if (extensions.failed)
			return HELLO_NONE;
		if (kind != SERVER_NAME)
			continue;
		if (found != HELLO_NO_NAME)
			return HELLO_NONE;
		found = read_server_name(extension, name);
	}
	return extensions.failed || hello.left > 0 ? HELLO_NONE : found;
}

/* Takes one record, or as much of it as has come, into MESSAGE. False: it is none of a handshake. */
static bool take_record(struct part *records, uint8_t message[HELLO_SIZE], size_t *used)
{
	/* TLS 1.x says 3.x in each record. */
	if (records->at[0] != HANDSHAKE || (records->left > 1 && records->at[1] != 3))
		return false;
	if (records->left < RECORD_HEADER) {
		records->left = 0;
		return true;
	}
	size_t record = (size_t)records->at[3] << 8 | records->at[4];
	size_t here = record < records->left - RECORD_HEADER ? record : records->left - RECORD_HEADER;
	if (record == 0 || record > MAX_RECORD || here > HELLO_SIZE - *used)
		return false;
	memcpy(message + *used, records->at + RECORD_HEADER, here);
	*used += here;
	records->at += RECORD_HEADER + here;
	records->left -= RECORD_HEADER + here;
	return true;
}

/* The message may be spread over records, so their contents are put together first. What follows it doesn't count. */
enum hello hello_read(const uint8_t *bytes, size_t length, char name[NAME_SIZE])
{
	static uint8_t message[HELLO_SIZE];
	size_t used = 0;
	for (struct part records = {bytes, length, false}; records.left > 0;) {
		if (!take_record(&records, message, &used))
			return HELLO_NONE;
		struct part all = {message, used, false};
		if (used > 0 && take_big_endian(&all, 1) != CLIENT_HELLO)
			return HELLO_NONE;
		size_t wanted = take_big_endian(&all, 3);
		if (!all.failed && wanted > HELLO_SIZE - 4)
			return HELLO_NONE;
		if (!all.failed && wanted <= all.left)
			return read_message((struct part){all.at, wanted, false}, name);
	}
	return length < HELLO_SIZE ? HELLO_PART : HELLO_NONE;
}
