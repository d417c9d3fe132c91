// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Tags pushed and popped, other protocols, room made and taken: helpers that rebuild the packet.
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include "results.h"

SEC("tc")
int vlan_push(struct __sk_buff *skb)
{
	SAY(bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), 0x2064));
	SAY(skb->vlan_present);
	SAY(skb->vlan_tci);
	SAY(skb->vlan_proto);
	SAY(skb->len);
	SAY(skb->protocol);
	SAY(bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021AD), 5));
	SAY(skb->vlan_tci);
	SAY(skb->vlan_proto);
	SAY(skb->len);
	SAY(skb->protocol);
	SAY(bpf_skb_vlan_push(skb, bpf_htons(0x1234), 6));
	SAY(skb->vlan_proto);
	return TC_ACT_OK;
}

SEC("tc")
int vlan_pop(struct __sk_buff *skb)
{
	SAY(bpf_skb_vlan_pop(skb));
	SAY(skb->len);
	SAY(skb->protocol);
	SAY(bpf_skb_vlan_pop(skb));
	SAY(skb->len);
	SAY(skb->protocol);
	return TC_ACT_OK;
}

SEC("tc")
int vlan_both(struct __sk_buff *skb)
{
	SAY(bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), 100));
	SAY(bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), 200));
	SAY(bpf_skb_vlan_pop(skb));
	SAY(skb->vlan_tci);
	SAY(bpf_skb_vlan_pop(skb));
	SAY(skb->vlan_present);
	SAY(skb->len);
	return TC_ACT_OK;
}

SEC("tc")
int protocol(struct __sk_buff *skb)
{
	SAY(bpf_skb_change_proto(skb, bpf_htons(ETH_P_IPV6), 0));
	SAY(skb->len);
	SAY(skb->protocol);
	SAY(bpf_skb_change_proto(skb, bpf_htons(ETH_P_IP), 0));
	SAY(skb->len);
	SAY(skb->protocol);
	SAY(bpf_skb_change_proto(skb, bpf_htons(ETH_P_ARP), 0));
	SAY(bpf_skb_change_proto(skb, bpf_htons(ETH_P_IP), 1));
	return TC_ACT_OK;
}

SEC("tc")
int room(struct __sk_buff *skb)
{
	SAY(bpf_skb_adjust_room(skb, 20, BPF_ADJ_ROOM_MAC, 0));
	SAY(skb->len);
	SAY(bpf_skb_adjust_room(skb, -8, BPF_ADJ_ROOM_MAC, 0));
	SAY(skb->len);
	SAY(bpf_skb_adjust_room(skb, 8, BPF_ADJ_ROOM_NET, 0));
	SAY(skb->len);
	SAY(bpf_skb_adjust_room(skb, 5000, BPF_ADJ_ROOM_NET, 0));
	SAY(bpf_skb_adjust_room(skb, 8, 2, 0));
	SAY(bpf_skb_adjust_room(skb, 8, BPF_ADJ_ROOM_NET, 1ull << 40));
	return TC_ACT_OK;
}
