// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A counter in a packed structure is added to atomically. Mended.
#include "gallery.h"

struct row {
	__u16 kind;
	__u64 count;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct row);
	__uint(max_entries, 1);
} rows SEC(".maps");

SEC("xdp")
int count(struct xdp_md *ctx)
{
	__u32 zero = 0;
	struct row *row = bpf_map_lookup_elem(&rows, &zero);

	if (row)
		__sync_fetch_and_add(&row->count, 1);
	return XDP_PASS;
}
