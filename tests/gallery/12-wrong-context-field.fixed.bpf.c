// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Socket filters may not read this field of the context. Mended.
#include "gallery.h"

SEC("socket")
int lengths(struct __sk_buff *skb)
{
	return skb->len & 0xff;
}
