// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A signed index is compared with its upper bound only. Mended.
#include "gallery.h"

struct table {
	int at;
	int slots[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct table);
	__uint(max_entries, 1);
} tables SEC(".maps");

SEC("xdp")
int pick(struct xdp_md *ctx)
{
	__u32 zero = 0;
	struct table *table = bpf_map_lookup_elem(&tables, &zero);
	int at;

	if (!table)
		return XDP_PASS;
	at = table->at;
	if (at >= 0 && at < 16)
		table->slots[at]++;
	return XDP_PASS;
}
