/*
 * The line that is printed next. Its parts are collected and written at once as far as they fit into a buffer, so that
 * lines of several processes don't mix.
 */
#ifndef NSBOX_BASE_LINE_H
#define NSBOX_BASE_LINE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * TEXT is for a person. JSON_VALUE is a string in JSON that must decode to the same bytes. JSON_TEXT is a string in
 * JSON that a person reads once it is decoded.
 */
enum line_form { LINE_TEXT, LINE_JSON_VALUE, LINE_JSON_TEXT };

/* Begins a line for the descriptor FD. */
void line_begin(int fd);
void line_add(const char *text);
void line_add_bytes(const char *text, size_t length);
/* Adds numbers and known words: what is longer than 200 bytes is cut. */
__attribute__((format(printf, 1, 2))) void line_add_format(const char *format, ...);
/*
 * Adds a name or a text with control characters as escapes, so that it can neither forge a message nor send commands to
 * the terminal (which may also take U+0080 to U+009F as commands). In JSON a byte that is not UTF-8 is written as in
 * plans, json.h.
 */
void line_add_safe(const char *text, enum line_form form);
/* Writes the line. False with errno: some of it could not be written. */
bool line_end(void);

#endif
