// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// The value of a lookup is used without asking whether there is one.
#include "gallery.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 64);
} counts SEC(".maps");

SEC("xdp")
int count(struct xdp_md *ctx)
{
	__u32 queue = ctx->rx_queue_index;
	__u64 *packets = bpf_map_lookup_elem(&counts, &queue);

	*packets += 1;
	return XDP_PASS;
}
