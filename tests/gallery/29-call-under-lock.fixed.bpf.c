// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A helper is called while a lock is held. Mended.
#include "gallery.h"

struct account {
	struct bpf_spin_lock lock;
	__u32 pad;
	__u64 touched;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct account);
	__uint(max_entries, 1);
} accounts SEC(".maps");

SEC("tc")
int touch(struct __sk_buff *skb)
{
	__u32 zero = 0;
	struct account *account = bpf_map_lookup_elem(&accounts, &zero);
	__u64 now = bpf_ktime_get_ns();

	if (!account)
		return TC_ACT_OK;
	bpf_spin_lock(&account->lock);
	account->touched = now;
	bpf_spin_unlock(&account->lock);
	return TC_ACT_OK;
}
