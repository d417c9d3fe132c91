// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Packet pointers are used after a helper moved the packet.
#include "gallery.h"

SEC("xdp")
int strip(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;

	if ((void *)(eth + 1) > data_end)
		return XDP_PASS;
	if (bpf_xdp_adjust_head(ctx, 4))
		return XDP_DROP;
	eth->h_proto = bpf_htons(ETH_P_IP);
	return XDP_PASS;
}
