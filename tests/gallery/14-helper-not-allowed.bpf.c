// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A helper for socket buffers is called in an XDP program.
#include "gallery.h"

SEC("xdp")
int copy(struct xdp_md *ctx)
{
	__u8 head[14];

	if (bpf_skb_load_bytes(ctx, 0, head, sizeof(head)))
		return XDP_PASS;
	return head[12] == 8 ? XDP_PASS : XDP_DROP;
}
