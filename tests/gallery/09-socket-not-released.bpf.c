// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A path returns and still holds the socket it looked up.
#include "gallery.h"

SEC("tc")
int known(struct __sk_buff *skb)
{
	struct bpf_sock_tuple tuple = { .ipv4.dport = bpf_htons(80) };
	struct bpf_sock *sk;

	sk = bpf_sk_lookup_tcp(skb, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	if (!sk)
		return TC_ACT_OK;
	if (sk->family != 2)
		return TC_ACT_SHOT;
	bpf_sk_release(sk);
	return TC_ACT_OK;
}
