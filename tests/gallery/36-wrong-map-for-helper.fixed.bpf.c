// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A lookup in a map that has no elements to look up. Mended.
#include "gallery.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
	__uint(max_entries, 4);
} events SEC(".maps");

SEC("tc")
int find(struct __sk_buff *skb)
{
	__u32 first = 0;

	return bpf_map_lookup_elem(&events, &first) ? TC_ACT_OK : TC_ACT_SHOT;
}
