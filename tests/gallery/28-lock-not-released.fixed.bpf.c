// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A path returns with the lock taken. Mended.
#include "gallery.h"

struct account {
	struct bpf_spin_lock lock;
	__u32 balance;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct account);
	__uint(max_entries, 1);
} accounts SEC(".maps");

SEC("tc")
int pay(struct __sk_buff *skb)
{
	__u32 zero = 0;
	struct account *account = bpf_map_lookup_elem(&accounts, &zero);

	if (!account)
		return TC_ACT_OK;
	bpf_spin_lock(&account->lock);
	if (account->balance < 10) {
		bpf_spin_unlock(&account->lock);
		return TC_ACT_SHOT;
	}
	account->balance -= 10;
	bpf_spin_unlock(&account->lock);
	return TC_ACT_OK;
}
