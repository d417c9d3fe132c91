// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Whether packets fit the interfaces of the comparison's network.
#include <linux/pkt_cls.h>
#include "results.h"

#define FITS(ctx, index, len_in, difference, flags) \
	({ len = (len_in); SAY(bpf_check_mtu(ctx, index, &len, difference, flags)); results[__LINE__ + 100] = len; })

SEC("tc")
int classify(struct __sk_buff *skb)
{
	__u32 len;

	FITS(skb, 0, 0, 0, 0);
	FITS(skb, 1, 0, 0, 0);
	FITS(skb, 2, 0, 0, 0);
	FITS(skb, 4, 0, 0, 0);
	FITS(skb, 4, 600, 0, 0);
	FITS(skb, 4, 601, 0, 0);
	FITS(skb, 4, 500, 100, 0);
	FITS(skb, 4, 500, 101, 0);
	FITS(skb, 4, 700, -100, 0);
	FITS(skb, 4, 700, -99, 0);
	FITS(skb, 4, 0, 0, BPF_MTU_CHK_SEGS);
	FITS(skb, 4, 1, 0, BPF_MTU_CHK_SEGS);
	FITS(skb, 4, 0, 1, BPF_MTU_CHK_SEGS);
	FITS(skb, 4, 0, 0, 2);
	FITS(skb, 99, 0, 0, 0);
	FITS(skb, 4, 0xffffffff, 0, 0);
	FITS(skb, 4, 5, 0x7fffffff, 0);
	FITS(skb, 4, 5, -100, 0);
	FITS(skb, opaque(0x100000004), 5, 0, 0);
	return TC_ACT_OK;
}

SEC("xdp")
int receive(struct xdp_md *ctx)
{
	__u32 len;

	FITS(ctx, 0, 0, 0, 0);
	FITS(ctx, 2, 0, 0, 0);
	FITS(ctx, 4, 0, 0, 0);
	FITS(ctx, 4, 600, 0, 0);
	FITS(ctx, 4, 601, 0, 0);
	FITS(ctx, 4, 500, 101, 0);
	FITS(ctx, 4, 700, -100, 0);
	FITS(ctx, 4, 0, 0, BPF_MTU_CHK_SEGS);
	FITS(ctx, 99, 0, 0, 0);
	FITS(ctx, 4, 0xffffffff, 0, 0);
	FITS(ctx, 4, 5, -100, 0);
	return XDP_PASS;
}
