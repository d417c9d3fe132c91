// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A parser whose position depends on what it read: options of kind, length and value, to the end of 256 bytes.
#include "beyond.h"

#define BYTES 256

SEC("xdp")
int tlv(struct xdp_md *ctx)
{
	__u8 *data = (__u8 *)(long)ctx->data, *end = (__u8 *)(long)ctx->data_end;
	__u32 at = 0, scale = 0, size = 0, seen = 0;

	for (int turn = 0; turn < BYTES; turn++) {
		__u8 kind, length, *option = data + at;

		if (at >= BYTES || option + 4 > end)
			break;
		kind = option[0];
		if (kind == 0)
			break;
		if (kind == 1) {
			at++;
			continue;
		}
		length = option[1];
		if (length < 2)
			return 0;
		switch (kind) {
		case 2:
			if (length != 4)
				return 0;
			size = option[2];
			seen |= 1;
			at += 4;
			continue;
		case 3:
			if (length != 3)
				return 0;
			scale = option[2];
			seen |= 2;
			at += 3;
			continue;
		case 4:
			seen |= 4;
			at += 2;
			continue;
		default:
			if (length > 40)
				return 0;
			at += length;
		}
	}
	if (seen & 1 && scale > 14)
		return 0;
	return size + (scale << 8) + (seen << 16);
}
