#include "plan/json_pointer.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define POINTER_MAX (sizeof((struct plan_error *)0)->pointer - 1)
#define CUT "..."

struct sink {
	char *text;
	size_t length;
	bool cut;
};

static void sink_byte(struct sink *sink, char byte)
{
	if (sink->length == POINTER_MAX)
		sink->cut = true;
	else
		sink->text[sink->length++] = byte;
}

static void sink_text(struct sink *sink, const char *text, size_t length)
{
	for (size_t i = 0; i < length && !sink->cut; i++) {
		if (text[i] == '~' || text[i] == '/') {
			sink_byte(sink, '~');
			sink_byte(sink, text[i] == '~' ? '0' : '1');
		} else {
			sink_byte(sink, text[i]);
		}
	}
}

/* As deep as the JSON reader's depth limit; outermost step first. */
static void sink_path(struct sink *sink, const struct json_path *path)
{
	char number[24];
	if (!path)
		return;
	sink_path(sink, path->up);
	sink_byte(sink, '/');
	if (path->key) {
		sink_text(sink, path->key, path->length);
		return;
	}
	snprintf(number, sizeof number, "%zu", path->index);
	sink_text(sink, number, strlen(number));
}

void plan_error_set(struct plan_error *error, const struct json_path *path, const char *format, ...)
{
	struct sink sink = {.text = error->pointer};
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(error->message, sizeof error->message, format, arguments);
	va_end(arguments);
	sink_path(&sink, path);
	if (sink.cut) {
		sink.length = POINTER_MAX - strlen(CUT);
		/* A cut in the middle of a character would leave invalid UTF-8. */
		while (sink.length && ((unsigned char)sink.text[sink.length] & 0xc0) == 0x80)
			sink.length--;
		memcpy(sink.text + sink.length, CUT, strlen(CUT));
		sink.length += strlen(CUT);
	}
	sink.text[sink.length] = '\0';
}
