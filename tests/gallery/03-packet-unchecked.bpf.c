// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A header is read without comparing with the end of the packet.
#include "gallery.h"

SEC("xdp")
int protocol(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	struct ethhdr *eth = data;

	return eth->h_proto == bpf_htons(ETH_P_IP) ? XDP_PASS : XDP_DROP;
}
