// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A callback of bpf_loop returns something other than 0 and 1. Mended.
#include "gallery.h"

__u64 total;

static long step(__u32 turn, void *data)
{
	total += turn;
	return turn == 5 ? 1 : 0;
}

SEC("tc")
int run(struct __sk_buff *skb)
{
	bpf_loop(10, step, 0, 0);
	return TC_ACT_OK;
}
