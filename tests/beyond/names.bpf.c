// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A parser that goes byte by byte: the name of a DNS question, whose labels say how long they are.
#include "beyond.h"

#define NAME 255

SEC("xdp")
int names(struct xdp_md *ctx)
{
	__u8 *data = (__u8 *)(long)ctx->data, *end = (__u8 *)(long)ctx->data_end;
	__u32 left = 0, labels = 0, hyphens = 0, hash = 0;

	if (data + NAME > end)
		return PASS;
	for (__u32 i = 0; i < NAME; i++) {
		__u8 c = data[i];

		if (left == 0) {
			if (c == 0)
				break;
			if (c > 63)
				return 0;
			left = c;
			labels++;
			continue;
		}
		left--;
		if (c >= 'A' && c <= 'Z')
			c += 'a' - 'A';
		if (c == '-') {
			if (left == 0)
				return 0;
			hyphens++;
		} else if (c == '_') {
			if (labels > 2)
				return 0;
		} else if (c < '0' || c > 'z' || (c > '9' && c < 'a')) {
			return 0;
		}
		hash = hash * 31 + c;
	}
	if (left)
		return 0;
	return hash + labels + hyphens;
}
