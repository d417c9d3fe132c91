// SPDX-License-Identifier: MIT OR Apache-2.0
/* The other half. */
#include "common.h"

struct shared { __u64 hits; int last; };
extern struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, struct shared);
} table SEC(".maps");
char pad = 1;
int count_b = 2;
const volatile int limit = 10;
extern int count_a;
__attribute__((noinline)) int chosen(int x) { asm volatile("%0 += 200" : "+r"(x)); return x; }
static __attribute__((noinline)) int mine(int x) { asm volatile("%0 -= 5" : "+r"(x)); return x; }
__attribute__((noinline)) int other(int x) { return chosen(mine(x)) + count_a; }

SEC("xdp") int from_b(struct xdp_md *ctx)
{
	__u32 key = 1;
	struct shared value = { .hits = pad };

	bpf_map_update_elem(&table, &key, &value, 0);
	return other(limit);
}
LICENSE;
