// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// An automaton with a stack: JSON text, its nesting remembered to a depth of 16. States times depths.
#include "beyond.h"

#define SCAN 384
#define DEPTH 16

enum state { VALUE, FIRST, STRING, ESCAPE, HEX1, HEX2, HEX3, HEX4, NUMBER, WORD, AFTER, KEY, COLON, BAD };

SEC("xdp")
int json(struct xdp_md *ctx)
{
	__u8 *data = (__u8 *)(long)ctx->data, *end = (__u8 *)(long)ctx->data_end;
	__u8 open[DEPTH] = {};
	__u32 state = VALUE, depth = 0, values = 0, key = 0;

	if (data + SCAN > end)
		return PASS;
	for (__u32 i = 0; i < SCAN; i++) {
		__u8 c = data[i];

		switch (state) {
		case VALUE:
		case FIRST:
			if (c == ' ')
				break;
			if (c == '{' || c == '[') {
				if (depth >= DEPTH - 1) {
					state = BAD;
					break;
				}
				depth++;
				open[depth & (DEPTH - 1)] = c;
				state = c == '{' ? KEY : FIRST;
			} else if (c == '"') {
				key = 0;
				state = STRING;
			} else if (c >= '0' && c <= '9') {
				state = NUMBER;
			} else if (c >= 'a' && c <= 'z') {
				state = WORD;
			} else {
				state = BAD;
			}
			break;
		case KEY:
			if (c == '"') {
				key = 1;
				state = STRING;
			} else if (c != ' ') {
				state = BAD;
			}
			break;
		case STRING:
			if (c == '\\')
				state = ESCAPE;
			else if (c == '"')
				state = key ? COLON : AFTER;
			break;
		case ESCAPE:
			state = c == 'u' ? HEX1 : STRING;
			break;
		case HEX1:
		case HEX2:
		case HEX3:
			state = state + 1;
			break;
		case HEX4:
			state = STRING;
			break;
		case COLON:
			state = c == ':' ? VALUE : BAD;
			break;
		case NUMBER:
		case WORD:
			if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z'))
				break;
			state = AFTER;
			/* fallthrough */
		case AFTER:
			if (c == ',') {
				values++;
				state = open[depth & (DEPTH - 1)] == '{' ? KEY : VALUE;
			} else if (c == '}' || c == ']') {
				if (depth == 0) {
					state = BAD;
					break;
				}
				depth--;
				values++;
				state = AFTER;
			} else if (c != ' ') {
				state = BAD;
			}
			break;
		default:
			return 0;
		}
	}
	return state == BAD ? 0 : values + depth;
}
