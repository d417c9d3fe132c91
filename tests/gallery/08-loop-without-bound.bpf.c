// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A loop runs as often as a number from outside says.
#include "gallery.h"

__u32 rounds;
__u64 state;

SEC("tc")
int stir(struct __sk_buff *skb)
{
	__u64 mixed = skb->hash;

	for (__u32 turn = 0; turn < rounds; turn++)
		mixed ^= mixed << 13 ^ bpf_get_prandom_u32();
	state = mixed;
	return TC_ACT_OK;
}
