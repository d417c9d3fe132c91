// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// bpf_loop with a callback, bpf_for_each_map_elem, and a global function: sums of the bytes of a packet.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct sum {
	void *data;
	void *data_end;
	__u64 total;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} sums SEC(".maps");

__u64 grand_total = 0;

struct bpf_map;

static int add_byte(__u32 index, struct sum *sum)
{
	__u8 *byte = sum->data + (index & 0x7ff);

	if ((void *)(byte + 1) > sum->data_end)
		return 1;
	sum->total += *byte;
	return 0;
}

static long add_sum(struct bpf_map *map, __u32 *key, __u64 *value, void *unused)
{
	grand_total += *value;
	return 0;
}

/* Not static and not inlined: the verifier checks it on its own. */
__attribute__((noinline)) int slot_of(__u64 total)
{
	return total % 8;
}

SEC("xdp")
int sum_bytes(struct xdp_md *ctx)
{
	struct sum sum = {
		.data = (void *)(long)ctx->data,
		.data_end = (void *)(long)ctx->data_end,
	};
	__u32 slot;
	__u64 *value;

	bpf_loop(2048, add_byte, &sum, 0);
	slot = slot_of(sum.total);
	value = bpf_map_lookup_elem(&sums, &slot);
	if (value)
		*value += sum.total;
	grand_total = 0;
	bpf_for_each_map_elem(&sums, add_sum, 0, 0);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
