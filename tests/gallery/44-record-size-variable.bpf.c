// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A record is reserved whose size is not a constant.
#include "gallery.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

SEC("tc")
int report(struct __sk_buff *skb)
{
	__u32 *event = bpf_ringbuf_reserve(&events, 4 + (skb->len & 15), 0);

	if (!event)
		return TC_ACT_OK;
	*event = skb->len;
	bpf_ringbuf_submit(event, 0);
	return TC_ACT_OK;
}
