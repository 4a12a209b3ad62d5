#include "net/name.h"

#include <string.h>

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_name_character(char c) { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_'; }

/* As inet_aton(3) reads a part of an address: decimal, octal, or hexadecimal after 0x. */
static bool is_number(const char *label)
{
	size_t hexadecimal = strncmp(label, "0x", 2) == 0 ? 2 : 0;
	return label[hexadecimal + strspn(label + hexadecimal, hexadecimal ? "0123456789abcdef" : "0123456789")] == '\0';
}

static const char *fault_of(const char *name)
{
	const char *label = name;
	for (const char *c = name;; c++) {
		if (*c && *c != '.') {
			if (!is_name_character(*c))
				return "has a character that host names don't have";
			continue;
		}
		if (c == label)
			return "has an empty part";
		if (c - label > NAME_MAX_LABEL)
			return "has a part of more than 63 characters";
		if (!*c)
			break;
		label = c + 1;
	}
	return is_number(label) ? "ends in a number, as addresses do" : NULL;
}

const char *name_read(const char *text, size_t length, char name[NAME_SIZE])
{
	if (length > 0 && text[length - 1] == '.')
		length--;
	if (length >= NAME_SIZE)
		return "has more than 253 characters";
	for (size_t i = 0; i < length; i++)
		name[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + ('a' - 'A') : text[i]);
	name[length] = '\0';
	return strlen(name) < length ? "has a character that host names don't have" : fault_of(name);
}

bool name_is_below(const char *name, const char *parent)
{
	size_t length = strlen(name), end = strlen(parent);
	return length > end + 1 && name[length - end - 1] == '.' && strcmp(name + length - end, parent) == 0;
}

bool name_is_localhost(const char *name) { return strcmp(name, "localhost") == 0 || name_is_below(name, "localhost"); }
