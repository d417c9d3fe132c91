// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Maps from inside programs: flags, error numbers, per-CPU values, inner maps, queues and stacks.
#include "results.h"

#define MAP(map_name, map_type, map_key, map_value, entries) \
	struct { \
		__uint(type, map_type); \
		__type(key, map_key); \
		__type(value, map_value); \
		__uint(max_entries, entries); \
	} map_name SEC(".maps")

MAP(hash, BPF_MAP_TYPE_HASH, __u32, __u64, 4);
MAP(wide, BPF_MAP_TYPE_HASH, __u64[3], __u8[5], 100);
MAP(array, BPF_MAP_TYPE_ARRAY, __u32, __u64, 4);
MAP(percpu_array, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u32, 3);
MAP(percpu_hash, BPF_MAP_TYPE_PERCPU_HASH, __u32, __u8[12], 8);
MAP(lru, BPF_MAP_TYPE_LRU_HASH, __u32, __u64, 1000);
MAP(lru_percpu, BPF_MAP_TYPE_LRU_PERCPU_HASH, __u32, __u64, 1000);

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 3);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} loose SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(value_size, 8);
	__uint(max_entries, 3);
} queue SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(value_size, 8);
	__uint(max_entries, 3);
} stack SEC(".maps");

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 2);
} first SEC(".maps"), second SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__type(key, __u32);
	__uint(max_entries, 3);
	__array(values, struct inner);
} outer SEC(".maps") = { .values = { &first, 0, &second } };

SEC("xdp")
int updates(struct xdp_md *ctx)
{
	__u32 key = 1;
	__u64 value = 10, *found;

	SAY(bpf_map_update_elem(&hash, &key, &value, BPF_EXIST));
	SAY(bpf_map_update_elem(&hash, &key, &value, BPF_NOEXIST));
	SAY(bpf_map_update_elem(&hash, &key, &value, BPF_NOEXIST));
	SAY(bpf_map_update_elem(&hash, &key, &value, BPF_EXIST));
	SAY(bpf_map_update_elem(&hash, &key, &value, opaque(3)));
	SAY(bpf_map_update_elem(&hash, &key, &value, opaque(4)));
	SAY(bpf_map_update_elem(&hash, &key, &value, opaque(8)));
	found = bpf_map_lookup_elem(&hash, &key);
	if (found)
		*found += 5;
	for (int i = 2; i < 8; i++) {
		key = i;
		results[200 + i] = bpf_map_update_elem(&hash, &key, &value, BPF_ANY);
	}
	key = 3;
	SAY(bpf_map_delete_elem(&hash, &key));
	SAY(bpf_map_delete_elem(&hash, &key));
	found = bpf_map_lookup_elem(&hash, &key);
	SAY(found ? *found : -1);
	key = 1;
	SAY(bpf_map_delete_elem(&hash, &key));
	return 0;
}

SEC("xdp")
int updates_unallocated(struct xdp_md *ctx)
{
	__u32 key;
	__u64 value = 3;

	for (int i = 0; i < 6; i++) {
		key = i;
		results[250 + i] = bpf_map_update_elem(&loose, &key, &value, BPF_NOEXIST);
	}
	key = 2;
	SAY(bpf_map_delete_elem(&loose, &key));
	key = 1;
	value = 4;
	SAY(bpf_map_update_elem(&loose, &key, &value, BPF_EXIST));
	key = 9;
	SAY(bpf_map_update_elem(&loose, &key, &value, BPF_EXIST));
	return 0;
}

SEC("xdp")
int arrays(struct xdp_md *ctx)
{
	__u32 key = 4;
	__u64 value = 7, *found;

	SAY(bpf_map_update_elem(&array, &key, &value, BPF_ANY));
	SAY(bpf_map_lookup_elem(&array, &key) != 0);
	SAY(bpf_map_delete_elem(&array, &key));
	key = 3;
	SAY(bpf_map_update_elem(&array, &key, &value, BPF_NOEXIST));
	SAY(bpf_map_update_elem(&array, &key, &value, BPF_EXIST));
	SAY(bpf_map_update_elem(&array, &key, &value, opaque(5)));
	SAY(bpf_map_update_elem(&array, &key, &value, opaque(4)));
	SAY(bpf_map_delete_elem(&array, &key));
	found = bpf_map_lookup_elem(&array, &key);
	if (found)
		__sync_fetch_and_add(found, 1);
	SAY(found ? *found : -1);
	return 0;
}

SEC("xdp")
int percpu(struct xdp_md *ctx)
{
	__u32 key = 2, four = 77, *slot;
	__u8 twelve[12] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 }, *bytes;

	SAY(bpf_map_update_elem(&percpu_array, &key, &four, BPF_EXIST));
	slot = bpf_map_lookup_elem(&percpu_array, &key);
	if (slot)
		*slot += 1;
	SAY(slot ? *slot : -1);
	slot = bpf_map_lookup_percpu_elem(&percpu_array, &key, 1);
	if (slot)
		*slot += 3;
	SAY(slot != 0);
	SAY(bpf_map_lookup_percpu_elem(&percpu_array, &key, 1000000) != 0);
	SAY(bpf_map_update_elem(&percpu_hash, &key, twelve, BPF_ANY));
	SAY(bpf_map_update_elem(&percpu_hash, &key, twelve, BPF_NOEXIST));
	bytes = bpf_map_lookup_elem(&percpu_hash, &key);
	SAY(bytes ? bytes[11] : -1);
	key = 5;
	SAY(bpf_map_update_elem(&percpu_hash, &key, twelve, BPF_EXIST));
	SAY(bpf_map_update_elem(&percpu_hash, &key, twelve, BPF_ANY));
	bytes = bpf_map_lookup_percpu_elem(&percpu_hash, &key, 1);
	SAY(bytes ? bytes[0] : -1);
	SAY(bpf_map_delete_elem(&percpu_hash, &key));
	return 0;
}

SEC("xdp")
int least_recent(struct xdp_md *ctx)
{
	__u32 key = ctx->data_end - ctx->data;
	__u64 one = 1, *count = bpf_map_lookup_elem(&lru, &key);

	if (count)
		*count += 1;
	else
		SAY(bpf_map_update_elem(&lru, &key, &one, BPF_NOEXIST));
	SAY(bpf_map_update_elem(&lru, &key, &one, opaque(9)));
	SAY(bpf_map_update_elem(&lru_percpu, &key, &one, BPF_ANY));
	SAY(bpf_map_update_elem(&lru_percpu, &key, &one, BPF_NOEXIST));
	key += 1000;
	SAY(bpf_map_update_elem(&lru_percpu, &key, &one, BPF_EXIST));
	SAY(bpf_map_delete_elem(&lru_percpu, &key));
	return 0;
}

SEC("xdp")
int long_keys(struct xdp_md *ctx)
{
	__u64 key[3] = { ctx->data_end - ctx->data, ~0ull, 3 };
	__u8 value[5] = { 1, 2, 3, 4, 5 }, *found;

	SAY(bpf_map_update_elem(&wide, key, value, BPF_NOEXIST));
	found = bpf_map_lookup_elem(&wide, key);
	if (found)
		found[4]++;
	key[2] = 4;
	SAY(bpf_map_delete_elem(&wide, key));
	return 0;
}

SEC("xdp")
int inner_maps(struct xdp_md *ctx)
{
	__u32 key = 0, zero = 0, five = 5;
	__u64 value = 9, *found;
	void *map = bpf_map_lookup_elem(&outer, &key);

	if (map) {
		SAY(bpf_map_update_elem(map, &zero, &value, BPF_ANY));
		SAY(bpf_map_update_elem(map, &five, &value, BPF_ANY));
	}
	key = 1;
	SAY(bpf_map_lookup_elem(&outer, &key) != 0);
	key = 2;
	map = bpf_map_lookup_elem(&outer, &key);
	if (map) {
		found = bpf_map_lookup_elem(map, &zero);
		if (found)
			*found += 2;
		SAY(found ? *found : -1);
	}
	key = 3;
	SAY(bpf_map_lookup_elem(&outer, &key) != 0);
	return 0;
}

SEC("xdp")
int queues(struct xdp_md *ctx)
{
	__u64 value = ~0;

	SAY(bpf_map_pop_elem(&queue, &value));
	SAY(value);
	SAY(bpf_map_peek_elem(&stack, &value));
	SAY(value);
	for (int i = 1; i < 6; i++) {
		value = i;
		results[i] = bpf_map_push_elem(&queue, &value, 0);
		results[10 + i] = bpf_map_push_elem(&stack, &value, 0);
	}
	value = 10;
	SAY(bpf_map_push_elem(&queue, &value, BPF_EXIST));
	SAY(bpf_map_push_elem(&stack, &value, BPF_EXIST));
	SAY(bpf_map_push_elem(&queue, &value, opaque(1)));
	SAY(bpf_map_peek_elem(&queue, &value));
	SAY(value);
	SAY(bpf_map_pop_elem(&stack, &value));
	SAY(value);
	for (int i = 0; i < 3; i++)
		bpf_map_pop_elem(&queue, &value);
	SAY(value);
	SAY(bpf_map_pop_elem(&queue, &value));
	return 0;
}
