// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// An address is rounded with a mask.
#include "gallery.h"

SEC("xdp")
int aligned(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	__u32 *word = (void *)((long)(data + 15) & ~3L);

	if ((void *)(word + 1) > data_end)
		return XDP_PASS;
	return *word ? XDP_PASS : XDP_DROP;
}
