#include "net/dns.h"

#include <string.h>

/* The header: id, flags, and the counts of questions, answers, authorities and additional records. */
enum { HEADER = 12, FLAGS = 2, QUESTIONS = 4, ANSWERS = 6, AUTHORITIES = 8, ADDITIONAL = 10 };
enum { MAX_LABEL = 63, MAX_NAME = 255, MAX_RECORDS = 32 };
/* Bits of the flags' first byte, and of the second. */
enum { RESPONSE = 0x80, OPERATION = 0x78, TRUNCATED = 0x02, RECURSION_WANTED = 0x01 };
enum { RECURSION_THERE = 0x80, CHECKING_DISABLED = 0x10 };

static unsigned number_at(const uint8_t *bytes) { return (unsigned)bytes[0] << 8 | bytes[1]; }

static void put_number(uint8_t *bytes, unsigned number)
{
	bytes[0] = (uint8_t)(number >> 8);
	bytes[1] = (uint8_t)number;
}

static char text_of(uint8_t byte)
{
	if (byte >= 'A' && byte <= 'Z')
		return (char)(byte + ('a' - 'A'));
	return (char)(byte == 0 || byte == '.' ? '?' : byte);
}

/* Reads the name of the question, which no compression may shorten. Returns where it ends, or 0. */
static size_t read_name(const uint8_t *bytes, size_t length, char name[DNS_NAME])
{
	size_t at = HEADER, used = 0;
	for (;;) {
		unsigned label = at < length ? bytes[at] : MAX_LABEL + 1;
		if (label > MAX_LABEL || label >= length - at || at + label + 1 - HEADER > MAX_NAME - (label > 0))
			return 0;
		at++;
		if (label == 0)
			break;
		if (used > 0)
			name[used++] = '.';
		for (unsigned i = 0; i < label; i++)
			name[used++] = text_of(bytes[at++]);
	}
	name[used] = '\0';
	return at;
}

/* Where a name of a record ends that nobody reads, or 0. */
static size_t skip_name(const uint8_t *bytes, size_t length, size_t at)
{
	while (at < length) {
		unsigned label = bytes[at];
		if (label >= 0xc0)
			return at + 2;
		if (label > MAX_LABEL)
			return 0;
		at += label + 1;
		if (label == 0)
			return at;
	}
	return 0;
}

/* Looks for an option record behind the question. Returns a code. */
static int read_options(const uint8_t *bytes, size_t length, struct dns_query *query)
{
	unsigned count = number_at(bytes + ANSWERS) + number_at(bytes + AUTHORITIES) + number_at(bytes + ADDITIONAL);
	size_t at = query->question_end;
	bool bad_version = false;
	if (count > MAX_RECORDS)
		return DNS_FORMAT_ERROR;
	for (; count > 0; count--) {
		bool root = at < length && bytes[at] == 0;
		at = skip_name(bytes, length, at);
		/* Type, class, time to live, length. */
		if (at == 0 || at > length || length - at < 10)
			return DNS_FORMAT_ERROR;
		const uint8_t *record = bytes + at;
		size_t rest = number_at(record + 8);
		if (rest > length - at - 10)
			return DNS_FORMAT_ERROR;
		at += 10 + rest;
		if (number_at(record) != DNS_OPT)
			continue;
		if (query->has_options || !root)
			return DNS_FORMAT_ERROR;
		query->has_options = true;
		bad_version = record[5] != 0;
	}
	return bad_version ? DNS_BAD_VERSION : DNS_NO_ERROR;
}

int dns_read(const uint8_t *bytes, size_t length, struct dns_query *query)
{
	query->bytes = bytes;
	query->question_end = HEADER;
	query->name[0] = '\0';
	query->type = query->class = 0;
	query->has_options = false;
	/* An answer to an answer could go back and forth for ever. */
	if (length < HEADER || bytes[FLAGS] & RESPONSE)
		return -1;
	if (bytes[FLAGS] & OPERATION)
		return DNS_NOT_IMPLEMENTED;
	if (bytes[FLAGS] & TRUNCATED || number_at(bytes + QUESTIONS) != 1)
		return DNS_FORMAT_ERROR;
	size_t end = read_name(bytes, length, query->name);
	if (end == 0 || length - end < 4) {
		query->name[0] = '\0';
		return DNS_FORMAT_ERROR;
	}
	query->type = (uint16_t)number_at(bytes + end);
	query->class = (uint16_t)number_at(bytes + end + 2);
	query->question_end = end + 4;
	int code = read_options(bytes, length, query);
	if (code == DNS_NO_ERROR && query->class != DNS_IN)
		return DNS_REFUSED;
	return code;
}

/* Writes all but the records. Never says that the data is authentic, since nothing is signed. */
static size_t begin(const struct dns_query *query, enum dns_code code, unsigned answers, uint8_t *answer)
{
	memset(answer, 0, HEADER);
	memcpy(answer, query->bytes, 2);
	answer[FLAGS] = (uint8_t)(RESPONSE | (query->bytes[FLAGS] & (OPERATION | RECURSION_WANTED)));
	answer[FLAGS + 1] =
		(uint8_t)(RECURSION_THERE | (query->bytes[FLAGS + 1] & CHECKING_DISABLED) | ((unsigned)code & 0x0f));
	put_number(answer + QUESTIONS, query->question_end > HEADER);
	put_number(answer + ANSWERS, answers);
	memcpy(answer + HEADER, query->bytes + HEADER, query->question_end - HEADER);
	return query->question_end;
}

/* Adds an option record, if the query has one: at most 1232 bytes, as resolvers agreed on in 2020. */
static size_t end_answer(const struct dns_query *query, enum dns_code code, uint8_t *answer, size_t at)
{
	const uint8_t option[11] = {0, 0, DNS_OPT, 1232 >> 8, 1232 & 0xff, (uint8_t)((unsigned)code >> 4)};
	if (!query->has_options)
		return at;
	put_number(answer + ADDITIONAL, 1);
	memcpy(answer + at, option, sizeof option);
	return at + sizeof option;
}

size_t dns_write_code(const struct dns_query *query, enum dns_code code, uint8_t answer[DNS_MAX_ANSWER])
{
	return end_answer(query, code, answer, begin(query, code, 0, answer));
}

/* A record of the name in the question, to which a pointer leads. Returns where its data begins. */
static size_t begin_record(const struct dns_query *query, enum dns_type type, size_t length, uint8_t *answer)
{
	size_t at = begin(query, DNS_NO_ERROR, 1, answer);
	const uint8_t record[12] = {
		0xc0, HEADER, 0, (uint8_t)type, 0, DNS_IN, 0, 0, 0, 0, (uint8_t)(length >> 8), (uint8_t)length};
	memcpy(answer + at, record, sizeof record);
	return at + sizeof record;
}

size_t dns_write_address(const struct dns_query *query, const struct address *address, uint8_t answer[DNS_MAX_ANSWER])
{
	size_t length = address->family == AF_INET ? 4 : 16;
	size_t at = begin_record(query, address->family == AF_INET ? DNS_A : DNS_AAAA, length, answer);
	memcpy(answer + at, address->bytes, length);
	return end_answer(query, DNS_NO_ERROR, answer, at + length);
}

size_t dns_write_name(const struct dns_query *query, const char *name, uint8_t answer[DNS_MAX_ANSWER])
{
	size_t at = begin_record(query, DNS_PTR, strlen(name) + 2, answer);
	while (*name) {
		size_t label = strcspn(name, ".");
		answer[at++] = (uint8_t)label;
		memcpy(answer + at, name, label);
		at += label;
		name += label + (name[label] == '.');
	}
	answer[at++] = 0;
	return end_answer(query, DNS_NO_ERROR, answer, at);
}

/* Takes the first label of a name with REVERSE below it as a number of BASE. -1: it is none that fits a byte. */
static int take_number(const char **name, unsigned base)
{
	static const char digits[] = "0123456789abcdef";
	int number = 0;
	const char *start = *name, *c = start;
	for (; *c && *c != '.'; c++) {
		const char *digit = strchr(digits, *c);
		if (!digit || digit - digits >= (int)base || c - start >= (base == 10 ? 3 : 1))
			return -1;
		number = number * (int)base + (int)(digit - digits);
	}
	if (c == start || *c != '.' || number > 255 || (base == 10 && *start == '0' && c - start > 1))
		return -1;
	*name = c + 1;
	return number;
}

bool dns_read_reverse(const char *name, struct address *address)
{
	*address = (struct address){.family = AF_INET};
	const char *at = name;
	int number = 0;
	for (int i = 3; i >= 0 && (number = take_number(&at, 10)) >= 0; i--)
		address->bytes[i] = (uint8_t)number;
	if (number >= 0 && strcmp(at, "in-addr.arpa") == 0)
		return true;
	*address = (struct address){.family = AF_INET6};
	at = name;
	for (int i = 31; i >= 0; i--) {
		if ((number = take_number(&at, 16)) < 0)
			return false;
		address->bytes[i / 2] |= (uint8_t)(i % 2 ? number : number << 4);
	}
	return strcmp(at, "ip6.arpa") == 0;
}
