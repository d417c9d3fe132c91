// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A socket filter: keeps the headers of TCP packets and nothing of anything else.
#include <stddef.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <bpf/bpf_helpers.h>

SEC("socket")
int keep_tcp_headers(struct __sk_buff *skb)
{
	__u16 ethertype = 0;
	__u8 protocol = 0;

	if (bpf_skb_load_bytes(skb, offsetof(struct ethhdr, h_proto), &ethertype, sizeof(ethertype)))
		return 0;
	if (ethertype != __builtin_bswap16(ETH_P_IP))
		return 0;
	if (bpf_skb_load_bytes(skb, ETH_HLEN + offsetof(struct iphdr, protocol), &protocol, 1))
		return 0;
	return protocol == IPPROTO_TCP ? 96 : 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
