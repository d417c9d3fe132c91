// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Room for tunnels: every flag of bpf_skb_adjust_room, alone and with others.
#include <linux/pkt_cls.h>
#include "results.h"

/* Newer than the headers. */
#define DECAP_IPV4 (1ull << 7)
#define DECAP_IPV6 (1ull << 8)

/* Whether it worked, and what the packet is then. */
#define ROOM(skb, delta, mode, flags) \
	({ \
		SAY(bpf_skb_adjust_room(skb, delta, mode, flags)); \
		results[__LINE__ + 100] = skb->len << 16 | skb->protocol; \
	})

SEC("tc")
int encapsulate_ipv4(struct __sk_buff *skb)
{
	ROOM(skb, 20, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_ENCAP_L3_IPV4);
	ROOM(skb, 20, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_ENCAP_L3_IPV4);
	ROOM(skb, 4, BPF_ADJ_ROOM_MAC, 0);
	ROOM(skb, -20, BPF_ADJ_ROOM_MAC, DECAP_IPV4);
	ROOM(skb, -4, BPF_ADJ_ROOM_MAC, DECAP_IPV6);
	return TC_ACT_OK;
}

SEC("tc")
int encapsulate_ipv6(struct __sk_buff *skb)
{
	ROOM(skb, 40, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 | BPF_F_ADJ_ROOM_FIXED_GSO);
	ROOM(skb, -40, BPF_ADJ_ROOM_MAC, 0);
	ROOM(skb, 8, BPF_ADJ_ROOM_NET, BPF_F_ADJ_ROOM_NO_CSUM_RESET);
	return TC_ACT_OK;
}

SEC("tc")
int encapsulate_more(struct __sk_buff *skb)
{
	ROOM(skb, 24, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L3_IPV6);
	ROOM(skb, 24, BPF_ADJ_ROOM_MAC,
	     BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L4_GRE | BPF_F_ADJ_ROOM_ENCAP_L4_UDP);
	ROOM(skb, 24, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_ENCAP_L4_GRE);
	ROOM(skb, 42, BPF_ADJ_ROOM_MAC,
	     BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L4_UDP | BPF_F_ADJ_ROOM_ENCAP_L2_ETH |
		     BPF_F_ADJ_ROOM_ENCAP_L2(10));
	ROOM(skb, 12, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L2(14));
	ROOM(skb, 42, BPF_ADJ_ROOM_MAC,
	     BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L4_UDP | BPF_F_ADJ_ROOM_ENCAP_L2_ETH |
		     BPF_F_ADJ_ROOM_ENCAP_L2(14));
	ROOM(skb, 24, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L4_GRE);
	return TC_ACT_OK;
}

SEC("tc")
int shrink(struct __sk_buff *skb)
{
	ROOM(skb, -8, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_ENCAP_L3_IPV4);
	ROOM(skb, -8, BPF_ADJ_ROOM_MAC, DECAP_IPV4 | DECAP_IPV6);
	ROOM(skb, 8, BPF_ADJ_ROOM_MAC, DECAP_IPV4);
	ROOM(skb, -0x1000, BPF_ADJ_ROOM_MAC, 0);
	ROOM(skb, -0xfff, BPF_ADJ_ROOM_MAC, 0);
	ROOM(skb, -64, BPF_ADJ_ROOM_MAC, 0);
	ROOM(skb, -4, BPF_ADJ_ROOM_NET, DECAP_IPV6);
	ROOM(skb, -4, BPF_ADJ_ROOM_NET, DECAP_IPV4);
	ROOM(skb, -4, BPF_ADJ_ROOM_NET, BPF_F_ADJ_ROOM_FIXED_GSO);
	ROOM(skb, 0, BPF_ADJ_ROOM_NET, 0);
	ROOM(skb, 0x80000000, BPF_ADJ_ROOM_NET, 0);
	return TC_ACT_OK;
}

SEC("tc")
int grow(struct __sk_buff *skb)
{
	ROOM(skb, 0xfff, BPF_ADJ_ROOM_MAC, 0);
	ROOM(skb, 0xfff, BPF_ADJ_ROOM_NET, 0);
	ROOM(skb, 0xfff, BPF_ADJ_ROOM_NET, 0);
	ROOM(skb, 0xfff, BPF_ADJ_ROOM_NET, 0);
	ROOM(skb, 7, opaque(3), 0);
	ROOM(skb, 7, BPF_ADJ_ROOM_NET, 1 << 9);
	return TC_ACT_OK;
}
