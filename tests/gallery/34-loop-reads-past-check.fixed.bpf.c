// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A loop reads more bytes than were checked. Mended.
#include "gallery.h"

SEC("xdp")
int sum(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data;
	__u8 *end = (void *)(long)ctx->data_end;
	__u32 total = 0;

	if (data + 4 > end)
		return XDP_PASS;
	for (int at = 0; at < 4; at++)
		total += data[at];
	return total > 1000 ? XDP_DROP : XDP_PASS;
}
