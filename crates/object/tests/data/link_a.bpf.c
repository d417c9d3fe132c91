// SPDX-License-Identifier: MIT OR Apache-2.0
/* One half of two: uses what the other defines. */
#include "common.h"

struct shared { __u64 hits; int last; };
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, struct shared);
} table SEC(".maps");
int count_a = 1;
extern int count_b;
extern int limit;
extern int other(int x);
__weak int chosen(int x) { asm volatile("%0 += 100" : "+r"(x)); return x; }
static __attribute__((noinline)) int mine(int x) { asm volatile("%0 += 5" : "+r"(x)); return x; }

SEC("xdp") int from_a(struct xdp_md *ctx)
{
	__u32 key = mine(ctx->rx_queue_index);
	struct shared *found = bpf_map_lookup_elem(&table, &key);

	count_a++;
	return found ? found->last : other(count_b + limit) + chosen(1);
}
LICENSE;
