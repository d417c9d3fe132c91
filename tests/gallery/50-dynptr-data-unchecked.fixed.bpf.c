// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// The memory behind a dynptr is used without asking whether it is there. Mended.
#include "gallery.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

SEC("tc")
int report(struct __sk_buff *skb)
{
	struct bpf_dynptr record;
	__u32 *length;

	bpf_ringbuf_reserve_dynptr(&events, 8, 0, &record);
	length = bpf_dynptr_data(&record, 0, sizeof(*length));
	if (length)
		*length = skb->len;
	bpf_ringbuf_submit_dynptr(&record, 0);
	return TC_ACT_OK;
}
