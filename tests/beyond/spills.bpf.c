// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// More numbers than registers: whether each of 24 options is there decides where the next begins, and all of it
// is used in the end.
#include "beyond.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u8[1024]);
	__uint(max_entries, 1);
} table SEC(".maps");

#define OPTION(n) \
	__u64 o##n = 0; \
	if (present & (1u << n)) { \
		o##n = n + 1; \
		barrier_var(o##n); \
	}
#define USE(n) sum += value[o##n * 32];

SEC("xdp")
int spills(struct xdp_md *ctx)
{
	__u32 zero = 0, sum = 0;
	__u32 present = bpf_get_prandom_u32();
	__u8 *value = bpf_map_lookup_elem(&table, &zero);

	if (!value)
		return PASS;
	OPTION(0) OPTION(1) OPTION(2) OPTION(3) OPTION(4) OPTION(5)
	OPTION(6) OPTION(7) OPTION(8) OPTION(9) OPTION(10) OPTION(11)
	OPTION(12) OPTION(13) OPTION(14) OPTION(15) OPTION(16) OPTION(17)
	OPTION(18) OPTION(19) OPTION(20) OPTION(21) OPTION(22) OPTION(23)
	bpf_ktime_get_ns();
	USE(0) USE(1) USE(2) USE(3) USE(4) USE(5)
	USE(6) USE(7) USE(8) USE(9) USE(10) USE(11)
	USE(12) USE(13) USE(14) USE(15) USE(16) USE(17)
	USE(18) USE(19) USE(20) USE(21) USE(22) USE(23)
	return sum;
}
