// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// The socket of a packet is read without asking whether it has one.
#include "gallery.h"

SEC("cgroup_skb/egress")
int owner(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	return sk->family != 10;
}
