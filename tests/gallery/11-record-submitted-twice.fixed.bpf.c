// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A record is given back a second time. Mended.
#include "gallery.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

SEC("tc")
int report(struct __sk_buff *skb)
{
	__u64 *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event)
		return TC_ACT_OK;
	*event = skb->len;
	if (skb->len < 64) {
		bpf_ringbuf_discard(event, 0);
		return TC_ACT_OK;
	}
	bpf_ringbuf_submit(event, 0);
	return TC_ACT_OK;
}
