// SPDX-License-Identifier: MIT OR Apache-2.0
/* Maps with every attribute; maps of maps and program arrays with contents. */
#include "common.h"

struct key { __u32 a; __u16 b; };
struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 100);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(numa_node, 0);
	__type(key, struct key);
	__type(value, __u64);
} typed SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(key_size, 8);
	__uint(value_size, 16);
	__uint(max_entries, 10);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} sized SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 5000);
} ring SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 32);
	__uint(map_extra, 3);
	__type(value, __u32);
} bloom SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} events SEC(".maps");
struct inner one SEC(".maps"), two SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 8);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps") = { .values = { [1] = &two, [4] = &one } };
struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct inner);
} outer_hash SEC(".maps");

int tail_one(struct __sk_buff *skb);
int tail_two(struct __sk_buff *skb);
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 3);
	__type(key, __u32);
	__array(values, int(void *));
} jumps SEC(".maps") = { .values = { [0] = (void *)&tail_one, [2] = (void *)&tail_two } };

SEC("tc") int tail_one(struct __sk_buff *skb) { return 1; }
SEC("tc") int tail_two(struct __sk_buff *skb) { return 2; }
SEC("tc") int entry(struct __sk_buff *skb)
{
	struct key key = { .a = skb->len };
	__u64 lpm = 32, *value = bpf_map_lookup_elem(&typed, &key);
	__u32 zero = 0;
	void *map = bpf_map_lookup_elem(&outer, &zero);

	if (map)
		bpf_map_update_elem(map, &zero, &lpm, 0);
	bpf_map_lookup_elem(&sized, &lpm);
	bpf_map_lookup_elem(&outer_hash, &zero);
	bpf_map_push_elem(&bloom, &zero, 0);
	bpf_ringbuf_output(&ring, &key, sizeof(key), 0);
	bpf_perf_event_output(skb, &events, BPF_F_CURRENT_CPU, &key, sizeof(key));
	bpf_tail_call(skb, &jumps, 2);
	return value ? *value : 0;
}
LICENSE;
