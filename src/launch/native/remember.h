/*
 * Remembered plans. A plan is a function of the option words, of who starts it, and of some looks at the host. The
 * front end notes these looks with their answers (src/host/recorded.ts), and the first start of a command line stores
 * them here, beside the plan, in a file of the user's own. A later start with the same words repeats the looks, and
 * where every answer is the same, it starts the box by the stored plan, without the runtime.
 *
 * The words of the command are never stored: they are put into the plan at each start.
 *
 * A record is used only if all of it fits; whatever else happens, the start goes the ordinary way, and says nothing.
 *
 *     name of the file   a hash of the key, 16 hexadecimal digits
 *     struct record      the sum of all that follows, and the lengths
 *     key                this very program, user, group, directory, the variables that say where directories are, and
 *                        the option words; compared as a whole, so a hash that two keys share does no harm
 *     looks              texts, each with its NUL: looks.h
 *     head, tail         the plan's text before and behind the command's words
 */
#ifndef NSBOX_NATIVE_REMEMBER_H
#define NSBOX_NATIVE_REMEMBER_H

#include "looks.h"
#include "records.h"

/* --- A later start ----------------------------------------------------------------------------------------------- */

/* Reads the file of that name, if it is a whole record with our key. */
static struct record *read_record(const struct start *start, long records)
{
	char name[17];
	struct file file;
	struct record *found = (struct record *)start->found;
	const uint64_t key = start->used - sizeof *found;
	long done = 0, got = 1;
	put_digits(name, hash(start->bytes + sizeof *found, key));
	long descriptor = open_at(records, name, 0);
	if (descriptor < 0)
		return 0;
	if (is_own(descriptor, REGULAR, start, &file) && file.size >= sizeof *found && file.size <= RECORD_MOST)
		while (done < (long)file.size &&
			   (got = call4(READ, descriptor, start->found + done, (long)file.size - done, 0)) > 0)
			done += got;
	call4(CLOSE, descriptor, 0, 0, 0);
	if (done == 0 || got <= 0 || found->key != key || found->looks > RECORD_MOST || found->head > RECORD_MOST ||
		found->tail > RECORD_MOST ||
		sizeof *found + found->key + found->looks + found->head + found->tail != (uint64_t)done)
		return 0;
	/* Texts are read up to their NUL. */
	if (found->looks && start->found[sizeof *found + found->key + found->looks - 1])
		return 0;
	if (found->sum != hash(start->found + sizeof found->sum, (uint64_t)done - sizeof found->sum))
		return 0;
	return are_same_bytes((char *)(found + 1), start->bytes + sizeof *found, key) ? found : 0;
}

/* The length of the UTF-8 sequence at AT; 0 for an invalid one. The ranges are those of RFC 3629, section 4. */
static int utf8_length(const unsigned char *at)
{
	unsigned char first = at[0];
	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	int length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	if (at[1] < (first == 0xe0      ? 0xa0
					: first == 0xf0 ? 0x90
									: 0x80) ||
		at[1] > (first == 0xed      ? 0x9f
					: first == 0xf4 ? 0x8f
									: 0xbf))
		return 0;
	for (int i = 2; i < length; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

/* The letter behind the backslash by which JSON writes C; 0: it needs none; -1: it has another form. */
static int escape_of(unsigned char c)
{
	switch (c) {
	case '"':
	case '\\': return c;
	case '\b': return 'b';
	case '\f': return 'f';
	case '\n': return 'n';
	case '\r': return 'r';
	case '\t': return 't';
	default: return c < 0x20 ? -1 : 0;
	}
}

/* Writes WORD as a JSON string, as JSON.stringify does. Returns its end, or NULL for text of another form. */
static char *put_word(char *to, const char *word)
{
	*to++ = '"';
	while (*word) {
		int length = utf8_length((const unsigned char *)word), escape = escape_of((unsigned char)*word);
		if (length == 0 || escape < 0)
			return 0;
		if (escape) {
			*to++ = '\\';
			*to++ = (char)escape;
			word++;
			continue;
		}
		while (length-- > 0)
			*to++ = *word++;
	}
	*to++ = '"';
	return to;
}

/* The plan of a record for the command COMMAND, or NULL. The text has a NUL at its end. */
static char *plan_for(const struct start *start, const struct record *record, char *const *command)
{
	const char *head = start->found + sizeof *record + record->key + record->looks, *tail = head + record->head;
	uint64_t size = record->head + record->tail + 3;
	for (char *const *word = command; *word; word++)
		size += 2 * length_of(*word) + 3;
	char *plan = new_memory(size), *to = plan;
	if (!plan)
		return 0;
	while (head < start->found + sizeof *record + record->key + record->looks + record->head)
		*to++ = *head++;
	*to++ = '[';
	for (char *const *word = command; *word; word++) {
		if (word != command)
			*to++ = ',';
		to = put_word(to, *word);
		if (!to)
			return 0;
	}
	*to++ = ']';
	for (uint64_t i = 0; i < record->tail; i++)
		*to++ = tail[i];
	return plan;
}

/*
 * The remembered plan of this start, or NULL. Which words are options isn't known here. But the
 * front end reads words from left to right, so that words which were all the options of one command line are all the
 * options of each that begins with them and goes on with a command, or with "--".
 */
static char *start_find(struct start *start)
{
	char **word = start->words + 1, *plan = 0;
	long records = open_records(start, 0);
	for (long count = 0; records >= 0 && !plan && count <= WORDS_MOST && word[0]; count++, word++) {
		int is_end = is_same(*word, ADDRESS_OF("dashes"));
		char **command = word + is_end;
		int is_command = is_end || ((*word)[0] != '-' && !(count == 0 && is_in(ADDRESS_OF("verbs"), *word)));
		if (is_command && command[0] && command[0][0]) {
			const struct record *found = read_record(start, records);
			const char *looks = found ? (const char *)(found + 1) + found->key : 0;
			if (found && looks_hold(start, looks, looks + found->looks))
				plan = plan_for(start, found, command);
		}
		if (is_end || !append_text(start, *word))
			break;
	}
	if (records >= 0)
		call4(CLOSE, records, 0, 0, 0);
	return plan;
}

/* --- The first start --------------------------------------------------------------------------------------------- */

/* Removes the file that was written first, if there are more than RECORDS_MOST. Files of any name count. */
static void make_room(long records)
{
	enum { NAME = 19, LENGTH = 16 };
	char entries[16 << 10], oldest[256];
	int64_t first = INT64_MAX;
	long count = 0, got = call4(GETDENTS, records, entries, sizeof entries, 0);
	for (long at = 0; at < got; at += *(uint16_t *)(entries + at + LENGTH)) {
		const char *name = entries + at + NAME;
		struct file file;
		if (name[0] == '.' || look_at(records, name, 0x100, &file) < 0)
			continue;
		count++;
		if (file.modified.seconds >= first)
			continue;
		first = file.modified.seconds;
		for (int i = 0; i < 256 && (oldest[i] = name[i]); i++)
			continue;
	}
	if (count > RECORDS_MOST)
		call4(UNLINKAT, records, oldest, 0, 0);
}

/* Appends the words of the options, which are all but the last COUNT, and "--". */
static int append_options(struct start *start, long count)
{
	char **word = start->words + 1, **end = word;
	while (*end)
		end++;
	end -= count;
	if (end > word && is_same(end[-1], ADDRESS_OF("dashes")))
		end--;
	if (count < 1 || end < word || end - word > WORDS_MOST)
		return 0;
	for (; word < end; word++)
		if (!append_text(start, *word))
			return 0;
	return 1;
}

/*
 * Stores a record. TEXTS: the number of the command's words, the plan before and behind them, and the looks. A reader
 * finds the whole file or none.
 */
static void start_remember(struct start *start, char *const texts[])
{
	struct record *record = (struct record *)start->bytes;
	char name[17], draft[17];
	long count = 0;
	for (const char *digit = texts[0]; *digit; digit++)
		count = 10 * count + *digit - '0';
	if (!append_options(start, count))
		return;
	record->key = start->used - sizeof *record;
	put_digits(name, hash(start->bytes + sizeof *record, record->key));
	for (char *const *look = texts + 3; *look; look++)
		if (!append_text(start, *look))
			return;
	record->looks = start->used - sizeof *record - record->key;
	record->head = length_of(texts[1]);
	record->tail = length_of(texts[2]);
	if (!append(start, texts[1], record->head) || !append(start, texts[2], record->tail))
		return;
	record->sum = hash(start->bytes + sizeof record->sum, start->used - sizeof record->sum);
	long records = open_records(start, 1);
	if (records < 0)
		return;
	/* Two starts at the same time have different process numbers, or at least addresses. */
	put_digits(draft, record->sum ^ (uint64_t)call4(GETPID, 0, 0, 0, 0) ^ (uint64_t)(uintptr_t)start);
	draft[0] = '~';
	long file = open_at(records, draft, CREATE | EXCLUSIVE | WRITE_ONLY);
	if (file >= 0) {
		if (write_all(file, start->bytes, (long)start->used) < 0 || call4(RENAMEAT, records, draft, records, name) < 0)
			call4(UNLINKAT, records, draft, 0, 0);
		call4(CLOSE, file, 0, 0, 0);
		make_room(records);
	}
	call4(CLOSE, records, 0, 0, 0);
}

#endif
