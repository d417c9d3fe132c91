// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Socket filters may not read this field of the context.
#include "gallery.h"

SEC("socket")
int lengths(struct __sk_buff *skb)
{
	return skb->tc_classid & 0xff;
}
