// SPDX-License-Identifier: MIT OR Apache-2.0
/* A program that the verifier accepts and nobody wants to wait for: 2^46 turns. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define TURNS (1 << 23)

struct pair {
	__u64 key;
	__u64 value;
};

static long inner(__u64 turn, void *context)
{
	return 0;
}

static long outer(__u64 turn, void *context)
{
	bpf_loop(TURNS, inner, 0, 0);
	return 0;
}

SEC("syscall")
int take_time(struct pair *pair)
{
	if (!pair->key)
		return 1;
	bpf_loop(TURNS, outer, 0, 0);
	return 2;
}

char _license[] SEC("license") = "Dual MIT/GPL";
