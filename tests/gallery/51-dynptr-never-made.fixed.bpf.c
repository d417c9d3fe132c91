// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A dynptr is used that no helper has made. Mended.
#include "gallery.h"

char bytes[8];

SEC("tc")
int peek(struct __sk_buff *skb)
{
	__u32 first = 0;
	struct bpf_dynptr view;

	if (bpf_dynptr_from_mem(bytes, sizeof(bytes), 0, &view))
		return TC_ACT_OK;
	bpf_dynptr_read(&first, sizeof(first), &view, 0, 0);
	return first ? TC_ACT_OK : TC_ACT_SHOT;
}
