// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Packets and bytes per length class in a per-CPU array, and per source address in a per-CPU hash.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct counters {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct counters);
} by_length SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 256);
	__type(key, __be32);
	__type(value, struct counters);
} by_source SEC(".maps");

static __always_inline void count(struct counters *counters, __u64 bytes)
{
	counters->packets++;
	counters->bytes += bytes;
}

SEC("xdp")
int measure(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);
	__u64 bytes = data_end - data;
	__u32 class = bytes < 64 ? 0 : bytes < 128 ? 1 : bytes < 1024 ? 2 : 3;
	struct counters *counters = bpf_map_lookup_elem(&by_length, &class);
	__be32 source;

	if (counters)
		count(counters, bytes);
	if ((void *)(ip + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;

	source = ip->saddr;
	counters = bpf_map_lookup_elem(&by_source, &source);
	if (counters) {
		count(counters, bytes);
	} else {
		struct counters first = { .packets = 1, .bytes = bytes };

		bpf_map_update_elem(&by_source, &source, &first, BPF_NOEXIST);
	}
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
