// SPDX-License-Identifier: MIT OR Apache-2.0
// Rules about payments. Each one looks at a record, says whether it applies and adds to the score.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct payment {
	__u32 account;
	__u32 country;
	__u64 cents;
	__u32 score;
	__u32 reason; /* one bit for each rule that applied */
};

/* Set by the application: the most an account usually pays. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1024);
} limits SEC(".maps");

/* Kept by the rules: how often an account paid. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1024);
} seen SEC(".maps");

/* Variables of the application's, too. */
__u32 home = 49;
__u64 applied;

static int apply(struct payment *p, int rule, int score)
{
	p->score += score;
	p->reason |= 1 << rule;
	__sync_fetch_and_add(&applied, 1);
	return 1;
}

SEC("syscall")
int large(struct payment *p)
{
	__u32 account = p->account;
	__u64 *limit = bpf_map_lookup_elem(&limits, &account);

	if (!limit || p->cents <= *limit)
		return 0;
	return apply(p, 0, 40);
}

SEC("syscall")
int abroad(struct payment *p)
{
	if (p->country == home)
		return 0;
	return apply(p, 1, 20);
}

SEC("syscall")
int often(struct payment *p)
{
	__u32 account = p->account;
	__u64 one = 1, *times = bpf_map_lookup_elem(&seen, &account);

	if (!times) {
		bpf_map_update_elem(&seen, &account, &one, BPF_ANY);
		return 0;
	}
	if (__sync_add_and_fetch(times, 1) <= 3)
		return 0;
	return apply(p, 2, 30);
}

char _license[] SEC("license") = "Dual MIT/GPL";
