// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A counter in a packed structure is added to atomically.
#include "gallery.h"

struct row {
	__u16 kind;
	__u64 count;
} __attribute__((packed));

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
		asm volatile("lock *(u64 *)(%0 + 2) += %1" : : "r"(row), "r"(1ULL) : "memory");
	return XDP_PASS;
}
