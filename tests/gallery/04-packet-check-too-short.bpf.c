// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// One header is checked, the one behind it is read.
#include "gallery.h"

SEC("xdp")
int addressee(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);

	if ((void *)(eth + 1) > data_end)
		return XDP_PASS;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	return ip->daddr == bpf_htonl(0x7f000001) ? XDP_DROP : XDP_PASS;
}
