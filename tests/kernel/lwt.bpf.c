// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Lightweight tunnels, and the other programs whose packets start with the Internet header.
// What needs a route of the packet's own (headers pushed on the way out, segments) is not asked for: a
// packet of a test run has none. Nor the packet's type: a test run judges by the link header it takes off.
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include "results.h"

SEC("lwt_in")
int context_in(struct __sk_buff *skb)
{
	SAY(skb->len);
	SAY(skb->protocol);
	SAY(skb->mark);
	SAY(skb->priority);
	SAY(skb->ingress_ifindex);
	SAY(skb->ifindex);
	SAY(skb->hash);
	SAY(skb->cb[1]);
	SAY(skb->data_end - skb->data);
	SAY(bpf_get_cgroup_classid(skb));
	SAY(bpf_get_route_realm(skb));
	SAY(bpf_skb_pull_data(skb, 0));
	return BPF_OK;
}

SEC("lwt_out")
int context_out(struct __sk_buff *skb)
{
	__u64 word = -1;

	SAY(skb->protocol);
	SAY(bpf_skb_load_bytes(skb, 0, &word, 8));
	SAY(word);
	SAY(bpf_skb_load_bytes(skb, skb->len - 1, &word, 2));
	skb->mark = 5;
	skb->priority = 6;
	return BPF_DROP;
}

SEC("lwt_xmit")
int change_out(struct __sk_buff *skb)
{
	__u32 word = 0x11223344;

	SAY(bpf_skb_store_bytes(skb, 4, &word, 4, 0));
	SAY(bpf_l3_csum_replace(skb, 10, 0x1122, 0x3344, 2));
	SAY(bpf_skb_change_tail(skb, skb->len + 7, 0));
	SAY(bpf_skb_change_head(skb, 14, 0));
	SAY(skb->len);
	SAY(bpf_skb_change_tail(skb, 5, 0));
	SAY(bpf_skb_change_tail(skb, 14, 0));
	SAY(skb->len);
	SAY(bpf_redirect(1, 0));
	return BPF_OK;
}

static __always_inline struct iphdr outer(__u8 version, __u8 words)
{
	return (struct iphdr){
		.version = version,
		.ihl = words,
		.tot_len = bpf_htons(100),
		.ttl = 64,
		.protocol = IPPROTO_IPIP,
		.saddr = bpf_htonl(0x0a010001),
		.daddr = bpf_htonl(0x0a010002),
	};
}

SEC("lwt_in")
int push_ipv4(struct __sk_buff *skb)
{
	struct {
		struct iphdr ip;
		__u8 more[240];
	} header = { outer(4, 5) };

	SAY(bpf_lwt_push_encap(skb, BPF_LWT_ENCAP_IP, &header, 19));
	SAY(bpf_lwt_push_encap(skb, BPF_LWT_ENCAP_IP, &header, 257));
	SAY(bpf_lwt_push_encap(skb, opaque(7), &header, 20));
	SAY(bpf_lwt_push_encap(skb, BPF_LWT_ENCAP_IP, &header, 20));
	SAY(skb->len);
	SAY(skb->protocol);
	SAY(skb->data_end - skb->data);
	header.ip.ihl = 7;
	SAY(bpf_lwt_push_encap(skb, BPF_LWT_ENCAP_IP, &header, 24));
	SAY(bpf_lwt_push_encap(skb, BPF_LWT_ENCAP_IP, &header, 36));
	header.ip.check = 0x1234;
	SAY(bpf_lwt_push_encap(skb, BPF_LWT_ENCAP_IP, &header, 28));
	SAY(skb->len);
	return BPF_LWT_REROUTE;
}

SEC("lwt_in")
int push_ipv6(struct __sk_buff *skb)
{
	struct ipv6hdr header = { .version = 6, .nexthdr = IPPROTO_IPIP, .hop_limit = 9 };
	struct iphdr wrong = outer(5, 5);
	__u64 word = 0;

	SAY(bpf_lwt_push_encap(skb, BPF_LWT_ENCAP_IP, &wrong, 20));
	SAY(bpf_lwt_push_encap(skb, BPF_LWT_ENCAP_IP, &header, 39));
	SAY(bpf_lwt_push_encap(skb, BPF_LWT_ENCAP_IP, &header, 40));
	SAY(skb->protocol);
	SAY(skb->len);
	SAY(bpf_skb_load_bytes(skb, 0, &word, 8));
	SAY(word);
	return BPF_OK;
}

SEC("cgroup_skb/ingress")
int control_group(struct __sk_buff *skb)
{
	__u64 word = -1;

	SAY(skb->len);
	SAY(skb->protocol);
	SAY(skb->mark);
	SAY(skb->tstamp);
	SAY(skb->cb[0]);
	SAY(skb->data_end - skb->data);
	SAY(bpf_skb_load_bytes(skb, 0, &word, 8));
	SAY(word);
	SAY(bpf_skb_load_bytes_relative(skb, 1, &word, 4, BPF_HDR_START_NET));
	SAY(word);
	skb->mark = 3;
	skb->priority = 4;
	skb->cb[4] = 5;
	return 1;
}

SEC("cgroup_skb/egress")
int control_group_out(struct __sk_buff *skb)
{
	SAY(skb->ifindex);
	SAY(bpf_skb_load_bytes_relative(skb, 0xffff, &(__u32){}, 4, BPF_HDR_START_NET));
	return 0;
}
