// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// An index is not compared with anything.
#include "gallery.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u32[16]);
	__uint(max_entries, 1);
} histogram SEC(".maps");

SEC("xdp")
int record(struct xdp_md *ctx)
{
	__u32 zero = 0, queue = ctx->rx_queue_index;
	__u32 *slots = bpf_map_lookup_elem(&histogram, &zero);

	if (slots)
		slots[queue]++;
	return XDP_PASS;
}
