// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A field of the context is written that may only be read.
#include "gallery.h"

SEC("tc")
int renumber(struct __sk_buff *skb)
{
	skb->ifindex = 1;
	return TC_ACT_OK;
}
