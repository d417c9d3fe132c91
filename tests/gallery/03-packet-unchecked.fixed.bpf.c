// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A header is read without comparing with the end of the packet. Mended.
#include "gallery.h"

SEC("xdp")
int protocol(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;

	if ((void *)(eth + 1) > data_end)
		return XDP_PASS;
	return eth->h_proto == bpf_htons(ETH_P_IP) ? XDP_PASS : XDP_DROP;
}
