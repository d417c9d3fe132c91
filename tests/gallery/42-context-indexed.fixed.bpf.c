// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A field of the context is picked with a variable index. Mended.
#include "gallery.h"

SEC("tc")
int scratch(struct __sk_buff *skb)
{
	return skb->cb[3];
}
