// SPDX-License-Identifier: MIT OR Apache-2.0
// Functions over columns: each is called with a batch of rows and fills the last column.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define ROWS 256

struct batch {
	__u64 rows;
	__s64 price[ROWS]; /* in cents */
	__s64 count[ROWS];
	__u64 currency[ROWS];
	__s64 result[ROWS];
};

/* A function of the application's: how many millionths of ours a unit of theirs is. */
static __u64 (*const rate)(__u64 currency) = (void *)1000;

SEC("syscall")
int total(struct batch *b)
{
	for (int i = 0; i < ROWS; i++) {
		if (i >= b->rows)
			break;
		b->result[i] = b->price[i] * b->count[i];
	}
	return 0;
}

SEC("syscall")
int in_our_currency(struct batch *b)
{
	for (int i = 0; i < ROWS; i++) {
		if (i >= b->rows)
			break;
		b->result[i] = b->price[i] * b->count[i] * rate(b->currency[i]) / 1000000;
	}
	return 0;
}

char _license[] SEC("license") = "Dual MIT/GPL";
