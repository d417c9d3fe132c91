// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A tail call while a socket is held.
#include "gallery.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
	__uint(max_entries, 4);
} next SEC(".maps");

SEC("tc")
int dispatch(struct __sk_buff *skb)
{
	struct bpf_sock_tuple tuple = { .ipv4.dport = bpf_htons(80) };
	struct bpf_sock *sk;

	sk = bpf_sk_lookup_tcp(skb, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	if (!sk)
		return TC_ACT_OK;
	bpf_tail_call(skb, &next, 1);
	bpf_sk_release(sk);
	return TC_ACT_OK;
}
