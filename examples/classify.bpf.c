// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A TC classifier: refuses UDP to one port, lowers the TTL of everything else by one and repairs the checksum.
#include <stddef.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

const volatile __u16 refused_port = 53;

#define TTL_OFFSET (ETH_HLEN + offsetof(struct iphdr, ttl))
#define CHECK_OFFSET (ETH_HLEN + offsetof(struct iphdr, check))

SEC("tc")
int classify(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data;
	void *data_end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);
	__u16 before, after;

	if ((void *)(ip + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP) || ip->ihl != 5)
		return TC_ACT_OK;
	if (ip->protocol == IPPROTO_UDP) {
		struct udphdr *udp = (void *)(ip + 1);

		if ((void *)(udp + 1) <= data_end && udp->dest == bpf_htons(refused_port))
			return TC_ACT_SHOT;
	}
	if (ip->ttl <= 1)
		return TC_ACT_SHOT;

	/* TTL and protocol share a 16-bit word of the header, the unit of the checksum. */
	before = *(__u16 *)&ip->ttl;
	after = bpf_htons(bpf_ntohs(before) - 0x100);
	bpf_l3_csum_replace(skb, CHECK_OFFSET, before, after, sizeof(after));
	bpf_skb_store_bytes(skb, TTL_OFFSET, &after, sizeof(after), 0);
	return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
