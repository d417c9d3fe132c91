// SPDX-License-Identifier: MIT OR Apache-2.0
/* Variables in an arena. */
#include "common.h"
#define __arena __attribute__((address_space(1)))

struct {
	__uint(type, 33);
	__uint(map_flags, 1 << 10);
	__uint(max_entries, 10);
} arena SEC(".maps");
int __arena first = 3;
int __arena second = 4;

SEC("syscall") int touch(void *ctx) { second += first; return bpf_map_lookup_elem(&arena, &ctx) != 0; }
LICENSE;
