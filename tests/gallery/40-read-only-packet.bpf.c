// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A packet is written where it may only be read.
#include "gallery.h"

SEC("cgroup_skb/egress")
int mark(struct __sk_buff *skb)
{
	__u8 *data = (void *)(long)skb->data;

	if (data + 1 > (__u8 *)(long)skb->data_end)
		return 1;
	*data = 0x45;
	return 1;
}
