// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// The size given to a helper may be zero. Mended.
#include "gallery.h"

SEC("tc")
int head(struct __sk_buff *skb)
{
	__u8 bytes[64] = {};
	__u32 length = skb->len & 63;

	if (length == 0)
		return TC_ACT_OK;
	if (bpf_skb_load_bytes(skb, 0, bytes, length))
		return TC_ACT_OK;
	return bytes[0] ? TC_ACT_OK : TC_ACT_SHOT;
}
