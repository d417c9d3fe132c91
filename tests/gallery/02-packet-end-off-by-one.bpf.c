// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A comparison that lets the byte at the end of the packet through.
#include "gallery.h"

SEC("xdp")
int alive(struct xdp_md *ctx)
{
	__u8 *ttl = (void *)(long)ctx->data + 22;
	__u8 *end = (void *)(long)ctx->data_end;

	if (ttl <= end)
		return *ttl ? XDP_PASS : XDP_DROP;
	return XDP_DROP;
}
