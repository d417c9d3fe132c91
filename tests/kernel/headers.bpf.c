// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Where the headers of a packet are after it was changed: loads from them, and the bounds of lengths.
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include "results.h"

#define LOOK(skb) \
	({ \
		word = -1; \
		SAY(bpf_skb_load_bytes_relative(skb, 0, &word, 8, BPF_HDR_START_MAC)); \
		results[__LINE__ + 80] = word; \
		word = -1; \
		results[__LINE__ + 120] = bpf_skb_load_bytes_relative(skb, 0, &word, 8, BPF_HDR_START_NET); \
		results[__LINE__ + 160] = word; \
	})

SEC("tc")
int pushed(struct __sk_buff *skb)
{
	__u64 word;

	bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), 5);
	LOOK(skb);
	bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), 6);
	LOOK(skb);
	SAY(bpf_skb_change_tail(skb, 17, 0));
	SAY(bpf_skb_change_tail(skb, 18, 0));
	SAY(bpf_skb_change_tail(skb, 60, 0));
	bpf_skb_vlan_pop(skb);
	LOOK(skb);
	bpf_skb_vlan_pop(skb);
	LOOK(skb);
	return TC_ACT_OK;
}

SEC("tc")
int grown(struct __sk_buff *skb)
{
	__u64 word;

	bpf_skb_change_head(skb, 20, 0);
	LOOK(skb);
	SAY(bpf_skb_adjust_room(skb, 8, BPF_ADJ_ROOM_MAC, 0));
	LOOK(skb);
	SAY(bpf_skb_adjust_room(skb, -8, BPF_ADJ_ROOM_NET, 0));
	LOOK(skb);
	SAY(bpf_skb_change_proto(skb, bpf_htons(ETH_P_IPV6), 0));
	LOOK(skb);
	SAY(bpf_skb_change_proto(skb, bpf_htons(ETH_P_IP), 0));
	LOOK(skb);
	SAY(bpf_skb_change_tail(skb, 33, 0));
	SAY(bpf_skb_change_tail(skb, 34, 0));
	return TC_ACT_OK;
}

SEC("tc")
int roomy(struct __sk_buff *skb)
{
	__u64 word;

	SAY(bpf_skb_adjust_room(skb, 40, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_ENCAP_L3_IPV6));
	LOOK(skb);
	SAY(skb->protocol);
	SAY(bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021AD), 7));
	SAY(bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), 8));
	LOOK(skb);
	SAY(bpf_skb_adjust_room(skb, 12, BPF_ADJ_ROOM_NET, 0));
	LOOK(skb);
	return TC_ACT_OK;
}

SEC("tc")
int longest(struct __sk_buff *skb)
{
	__u32 len = skb->len;

	SAY(bpf_skb_change_tail(skb, 16065, 0));
	SAY(bpf_skb_change_tail(skb, 16064, 0));
	SAY(bpf_skb_change_head(skb, 1, 0));
	SAY(bpf_skb_adjust_room(skb, 1, BPF_ADJ_ROOM_MAC, 0));
	SAY(bpf_skb_change_tail(skb, 16000, 0));
	SAY(bpf_skb_change_head(skb, 65, 0));
	SAY(bpf_skb_change_head(skb, 64, 0));
	SAY(bpf_skb_change_tail(skb, len, 0));
	SAY(bpf_skb_change_head(skb, 0x80000000, 0));
	SAY(bpf_skb_change_head(skb, 0xffffffff, 0));
	SAY(bpf_skb_change_head(skb, 0, 0));
	return TC_ACT_OK;
}

SEC("tc")
int offsets(struct __sk_buff *skb)
{
	__u64 word = -1;

	SAY(bpf_skb_load_bytes_relative(skb, 0xffff, &word, 1, BPF_HDR_START_NET));
	SAY(bpf_skb_load_bytes_relative(skb, 0x10000, &word, 1, BPF_HDR_START_NET));
	SAY(bpf_skb_load_bytes_relative(skb, 0, &word, 1, opaque(0x100000001)));
	SAY(word);
	SAY(bpf_skb_load_bytes(skb, 0x7fffffff, &word, 1));
	SAY(bpf_skb_load_bytes(skb, opaque(0x100000000), &word, 1));
	SAY(word);
	SAY(bpf_skb_store_bytes(skb, 0x80000000, &word, 1, 0));
	return TC_ACT_OK;
}
