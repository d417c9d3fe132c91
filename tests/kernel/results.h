// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Results by the line that says them, so that a difference points at its source.
#pragma once
#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define LINES 256

__u64 results[LINES] SEC(".bss.results");

#define SAY(value) (results[__LINE__] = (__u64)(value))

/* A number the compiler knows nothing about. */
static __always_inline __u64 opaque(__u64 value)
{
	asm volatile("" : "+r"(value));
	return value;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
