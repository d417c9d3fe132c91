// SPDX-License-Identifier: MIT OR Apache-2.0
/* Several programs a section, subprograms in .text, called from each other and as callbacks. */
#include "common.h"

static __attribute__((noinline)) int leaf(int x)
{
	asm volatile("%0 += 7" : "+r"(x));
	return x;
}
static __attribute__((noinline)) int middle(int x)
{
	return leaf(x) + leaf(x + 1);
}
__attribute__((noinline)) int shared(struct xdp_md *ctx)
{
	return middle(ctx->rx_queue_index);
}
__attribute__((noinline, weak)) int weak_one(int x)
{
	asm volatile("%0 *= 3" : "+r"(x));
	return x;
}
static long each(__u32 index, void *data)
{
	*(int *)data += leaf(index);
	return 0;
}

SEC("xdp") int first(struct xdp_md *ctx) { return shared(ctx) & 1 ? XDP_PASS : XDP_DROP; }
SEC("xdp") int second(struct xdp_md *ctx) { return leaf(weak_one(ctx->ingress_ifindex)); }
SEC("?xdp.frags") int optional(struct xdp_md *ctx) { return XDP_PASS; }
SEC("tc") int with_callback(struct __sk_buff *skb)
{
	int sum = 0;

	bpf_loop(4, each, &sum, 0);
	return sum + middle(skb->len);
}
LICENSE;
