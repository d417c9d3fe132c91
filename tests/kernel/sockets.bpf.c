// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Sockets of the comparison's network: which one a pair of addresses leads to, and what is seen of it.
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include "results.h"

#define IP(a, b, c, d) bpf_htonl((a) << 24 | (b) << 16 | (c) << 8 | (d))
#define QUESTIONS 24
#define WORDS 10

__u64 seen[QUESTIONS * WORDS] SEC(".bss.seen");

struct question {
	__be32 remote, local;
	__u16 remote_port, local_port;
};

const struct question questions[QUESTIONS] = {
	{ IP(10, 1, 0, 5), IP(10, 1, 0, 1), 1000, 8000 },
	{ IP(10, 1, 0, 5), IP(10, 1, 0, 7), 1000, 8000 },
	{ IP(10, 1, 0, 5), IP(10, 1, 0, 1), 1000, 8001 },
	{ IP(10, 1, 0, 5), IP(10, 99, 0, 1), 1000, 8001 },
	{ IP(10, 1, 0, 5), IP(10, 1, 0, 1), 1000, 8002 },
	{ IP(10, 1, 0, 5), IP(10, 1, 0, 1), 1000, 8003 },
	{ IP(10, 1, 0, 5), IP(10, 1, 0, 1), 1000, 9000 },
	{ IP(10, 1, 0, 5), IP(10, 1, 0, 7), 1000, 9000 },
	{ IP(10, 1, 0, 5), IP(10, 1, 0, 7), 1000, 9001 },
	{ IP(127, 0, 0, 1), IP(127, 0, 0, 1), 9003, 9002 },
	{ IP(127, 0, 0, 1), IP(127, 0, 0, 1), 9004, 9002 },
	{ IP(127, 0, 0, 2), IP(127, 0, 0, 1), 9003, 9002 },
	{ IP(10, 1, 0, 5), IP(10, 1, 0, 1), 1000, 9004 },
	{ IP(127, 0, 0, 1), IP(127, 0, 0, 1), 40000, 7000 },
	{ IP(127, 0, 0, 1), IP(127, 0, 0, 1), 7000, 40000 },
	{ IP(127, 0, 0, 1), IP(127, 0, 0, 1), 40001, 7000 },
	{ IP(127, 0, 0, 2), IP(127, 0, 0, 1), 40000, 7000 },
	{ IP(127, 0, 0, 1), IP(127, 0, 0, 1), 7001, 40000 },
	{ IP(10, 1, 0, 5), IP(10, 1, 0, 1), 1000, 0 },
};

/* A word at an offset, loaded here: the compiler would make one access of two. */
#define WORD(sk, offset) \
	({ \
		__u64 word; \
		asm volatile("%0 = *(u32 *)(%1 + " #offset ")" : "=r"(word) : "r"(sk)); \
		word; \
	})

/* What every kind of socket has. */
static __always_inline void look_common(struct bpf_sock *sk, __u64 *words)
{
	__u32 family = sk->family;

	words[0] = family;
	if (family == 2) {
		words[4] = WORD(sk, 24);
		words[7] = WORD(sk, 52);
	} else {
		words[4] = WORD(sk, 40);
		words[7] = WORD(sk, 68);
	}
	words[5] = sk->src_port;
	words[6] = sk->dst_port;
	words[8] = sk->state;
}

static __always_inline void look(struct bpf_sock *sk, __u64 *words)
{
	look_common(sk, words);
	words[1] = sk->type;
	words[2] = sk->protocol;
	words[3] = sk->mark | (__u64)sk->priority << 32;
	words[9] = sk->bound_dev_if;
}

#define ASK(ctx, find, look) \
	for (__u32 i = 0; i < QUESTIONS; i++) { \
		struct bpf_sock_tuple tuple = {}; \
		struct bpf_sock *sk; \
\
		tuple.ipv4.saddr = questions[i].remote; \
		tuple.ipv4.daddr = questions[i].local; \
		tuple.ipv4.sport = bpf_htons(questions[i].remote_port); \
		tuple.ipv4.dport = bpf_htons(questions[i].local_port); \
		sk = find(ctx, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0); \
		if (!sk) \
			continue; \
		look(sk, &seen[i * WORDS]); \
		bpf_sk_release(sk); \
	}

SEC("tc")
int tcp(struct __sk_buff *skb)
{
	ASK(skb, bpf_sk_lookup_tcp, look);
	return TC_ACT_OK;
}

SEC("tc")
int udp(struct __sk_buff *skb)
{
	ASK(skb, bpf_sk_lookup_udp, look);
	return TC_ACT_OK;
}

SEC("xdp")
int common(struct xdp_md *ctx)
{
	ASK(ctx, bpf_skc_lookup_tcp, look_common);
	return XDP_PASS;
}

static __always_inline int ask_ipv6(struct __sk_buff *skb, __be32 first, __u16 port, __u32 slot)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *sk;

	tuple.ipv6.saddr[0] = bpf_htonl(0x20010db8);
	tuple.ipv6.saddr[3] = bpf_htonl(9);
	tuple.ipv6.daddr[0] = bpf_htonl(0x20010db8);
	tuple.ipv6.daddr[1] = first;
	tuple.ipv6.daddr[3] = bpf_htonl(1);
	tuple.ipv6.sport = bpf_htons(1000);
	tuple.ipv6.dport = bpf_htons(port);
	sk = port < 9000 ? bpf_sk_lookup_tcp(skb, &tuple, sizeof(tuple.ipv6), BPF_F_CURRENT_NETNS, 0) :
			   bpf_sk_lookup_udp(skb, &tuple, sizeof(tuple.ipv6), BPF_F_CURRENT_NETNS, 0);
	if (!sk)
		return 0;
	look(sk, &seen[slot * WORDS]);
	bpf_sk_release(sk);
	return 1;
}

SEC("tc")
int ipv6(struct __sk_buff *skb)
{
	SAY(ask_ipv6(skb, bpf_htonl(0x10000), 8002, 0));
	SAY(ask_ipv6(skb, bpf_htonl(0x10000), 8003, 1));
	SAY(ask_ipv6(skb, bpf_htonl(0x20000), 8003, 2));
	SAY(ask_ipv6(skb, bpf_htonl(0x10000), 8001, 3));
	SAY(ask_ipv6(skb, bpf_htonl(0x10000), 9004, 4));
	SAY(ask_ipv6(skb, bpf_htonl(0x10000), 9001, 5));
	return TC_ACT_OK;
}

#define FOUND(skb, size, namespace, flags) \
	({ \
		sk = bpf_sk_lookup_tcp(skb, &tuple, size, namespace, flags); \
		SAY(sk != 0); \
		if (sk) \
			bpf_sk_release(sk); \
	})

SEC("tc")
int arguments(struct __sk_buff *skb)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *sk;

	tuple.ipv4.daddr = IP(10, 1, 0, 1);
	tuple.ipv4.dport = bpf_htons(8000);
	FOUND(skb, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	FOUND(skb, sizeof(tuple.ipv4), -2, 0);
	FOUND(skb, sizeof(tuple.ipv4), 0, 0);
	FOUND(skb, sizeof(tuple.ipv4), 7, 0);
	FOUND(skb, sizeof(tuple.ipv4), 0xffffffff, 0);
	FOUND(skb, sizeof(tuple.ipv4), opaque(1ull << 31), 0);
	FOUND(skb, sizeof(tuple.ipv4), opaque(1ull << 32), 0);
	FOUND(skb, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 1);
	FOUND(skb, sizeof(tuple.ipv4) + 1, BPF_F_CURRENT_NETNS, 0);
	FOUND(skb, 8, BPF_F_CURRENT_NETNS, 0);
	return TC_ACT_OK;
}

SEC("tc")
int closer(struct __sk_buff *skb)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *sk, *listener;

	tuple.ipv4.daddr = IP(10, 1, 0, 1);
	tuple.ipv4.dport = bpf_htons(8000);
	sk = bpf_sk_lookup_tcp(skb, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	if (sk) {
		SAY(bpf_tcp_sock(sk) != 0);
		SAY(bpf_sk_fullsock(sk) == sk);
		listener = bpf_get_listener_sock(sk);
		SAY(listener == sk);
		SAY(bpf_sk_assign(skb, sk, 1));
		bpf_sk_release(sk);
	}
	tuple.ipv4.dport = bpf_htons(9000);
	sk = bpf_sk_lookup_udp(skb, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	if (sk) {
		SAY(bpf_tcp_sock(sk) != 0);
		SAY(bpf_get_listener_sock(sk) != 0);
		bpf_sk_release(sk);
	}
	tuple.ipv4.saddr = tuple.ipv4.daddr = IP(127, 0, 0, 1);
	tuple.ipv4.sport = bpf_htons(40000);
	tuple.ipv4.dport = bpf_htons(7000);
	sk = bpf_sk_lookup_tcp(skb, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	if (sk) {
		SAY(bpf_tcp_sock(sk) != 0);
		SAY(bpf_get_listener_sock(sk) != 0);
		bpf_sk_release(sk);
	}
	return TC_ACT_OK;
}
