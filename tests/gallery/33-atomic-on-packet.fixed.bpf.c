// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A field of the packet is changed atomically. Mended.
#include "gallery.h"

SEC("xdp")
int age(struct xdp_md *ctx)
{
	__u32 *word = (void *)(long)ctx->data;

	if ((void *)(word + 1) > (void *)(long)ctx->data_end)
		return XDP_PASS;
	*word += 1;
	return XDP_PASS;
}
