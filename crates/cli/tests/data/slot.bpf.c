// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A map of maps whose only slot begins with a map of another shape than it declares.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct narrow {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} wide SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct narrow);
} slots SEC(".maps") = {
	.values = { (void *)&wide },
};

SEC("xdp")
int choose(struct xdp_md *ctx)
{
	__u32 slot = 0;

	return bpf_map_lookup_elem(&slots, &slot) ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "Dual MIT/GPL";
