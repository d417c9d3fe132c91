// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A dynptr is used that no helper has made.
#include "gallery.h"

SEC("tc")
int peek(struct __sk_buff *skb)
{
	__u32 first = 0;
	struct bpf_dynptr view;

	bpf_dynptr_read(&first, sizeof(first), &view, 0, 0);
	return first ? TC_ACT_OK : TC_ACT_SHOT;
}
