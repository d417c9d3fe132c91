// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A record of variable size is reserved, and kept on one path.
#include "gallery.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

SEC("tc")
int report(struct __sk_buff *skb)
{
	struct bpf_dynptr record;
	__u32 length = skb->len;

	if (bpf_ringbuf_reserve_dynptr(&events, 8, 0, &record)) {
		bpf_ringbuf_discard_dynptr(&record, 0);
		return TC_ACT_OK;
	}
	if (bpf_dynptr_write(&record, 0, &length, sizeof(length), 0))
		return TC_ACT_SHOT;
	bpf_ringbuf_submit_dynptr(&record, 0);
	return TC_ACT_OK;
}
