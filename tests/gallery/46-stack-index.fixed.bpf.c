// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// An array on the stack is read with an index without bound. Mended.
#include "gallery.h"

SEC("tc")
int pick(struct __sk_buff *skb)
{
	volatile __u8 weights[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

	__u32 at = skb->priority;

	if (at >= sizeof(weights))
		return TC_ACT_OK;
	return weights[at];
}
