// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A socket filter: the legacy packet loads, which end the program outside the packet, and what it may see.
#include "results.h"

#define LOAD(width, at) \
	({ \
		register void *context asm("r6") = skb; \
		register __u64 loaded asm("r0"); \
		asm volatile("r0 = *(" width " *)skb[" at "]" \
			     : "=r"(loaded) : "r"(context) : "r1", "r2", "r3", "r4", "r5"); \
		loaded; \
	})

SEC("socket")
int absolute(struct __sk_buff *skb)
{
	SAY(LOAD("u8", "0"));
	SAY(LOAD("u16", "12"));
	SAY(LOAD("u32", "6"));
	SAY(LOAD("u16", "14"));
	SAY(LOAD("u32", "30"));
	SAY(LOAD("u8", "60"));
	SAY(LOAD("u32", "1000"));
	return 0xffff;
}

SEC("socket")
int context(struct __sk_buff *skb)
{
	SAY(skb->len);
	SAY(skb->protocol);
	SAY(skb->mark);
	SAY(skb->priority);
	SAY(skb->cb[2]);
	SAY(skb->ifindex);
	SAY(skb->ingress_ifindex);
	SAY(skb->vlan_present);
	skb->cb[0] = skb->len;
	skb->cb[4] += 1;
	SAY(skb->gso_segs);
	return skb->len;
}

SEC("socket")
int bytes(struct __sk_buff *skb)
{
	__u64 word = 5;

	SAY(bpf_skb_load_bytes(skb, 12, &word, 2));
	SAY(word);
	SAY(bpf_skb_load_bytes(skb, skb->len - 7, &word, 8));
	SAY(word);
	return word;
}
