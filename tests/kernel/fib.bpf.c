// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Routes: every destination of the comparison's network, by every flag, from every interface.
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include "results.h"

#define AF_INET 2
#define AF_INET6 10
#define QUESTIONS 24
/* The return value, and the whole of struct bpf_fib_lookup. */
#define WORDS 9

__u64 answers[64 * QUESTIONS * WORDS] SEC(".bss.answers");

/* The second and third byte of an address of IPv4, the third and fourth group of IPv6. */
const __u16 networks[QUESTIONS] = {
	0x0100, 0x0101, 0x0a00, 0x0a01, 0x0b00, 0x0c00, 0x0d00, 0x1400, 0x1500, 0x1600, 0x1700, 0x1e00,
	0x1f00, 0x2000, 0x2100, 0x2200, 0x2800, 0x2900, 0x2a00, 0x6100, 0x6200, 0x6300, 0x0300, 0xff00,
};
const __u16 groups[QUESTIONS] = {
	0x1, 0x2, 0x3, 0x10, 0x11, 0x12, 0x20, 0x21, 0x22, 0x30, 0x31, 0x40,
	0x98, 0x99, 0xfe80, 0xff02, 0, 0x1000, 5, 6, 7, 8, 9, 10,
};

struct question {
	__u32 number, family, flags, ifindex, len, tos, mark, table, source;
};

static __always_inline void keep(__u32 at, __u64 value)
{
	if (at < sizeof(answers) / 8)
		answers[at] = value;
}

static __noinline int ask(void *ctx, struct question *question)
{
	struct bpf_fib_lookup params;
	__u64 *words = (__u64 *)&params;
	__u32 number, at;

	if (!question)
		return 0;
	number = question->number;
	if (number >= QUESTIONS)
		return 0;
	__builtin_memset(&params, 0, sizeof(params));
	params.family = question->family;
	params.l4_protocol = 6;
	params.sport = bpf_htons(1000);
	params.dport = bpf_htons(80);
	params.tot_len = question->len;
	params.ifindex = question->ifindex;
	if (question->family == AF_INET) {
		params.tos = question->tos;
		params.ipv4_src = bpf_htonl(0x0a010005 | question->source << 16);
		params.ipv4_dst = bpf_htonl(0x0a000005 | networks[number] << 8);
	} else {
		params.flowinfo = bpf_htonl(question->tos << 20);
		params.ipv6_src[0] = bpf_htonl(0x20010db8);
		params.ipv6_src[1] = bpf_htonl(0x10000);
		params.ipv6_src[3] = bpf_htonl(5);
		params.ipv6_dst[0] = bpf_htonl(groups[number] > 0x1000 ? groups[number] << 16 : 0x20010db8);
		params.ipv6_dst[1] = bpf_htonl(groups[number] << 16);
		params.ipv6_dst[3] = bpf_htonl(2);
	}
	if (question->flags & BPF_FIB_LOOKUP_TBID)
		params.tbid = question->table;
	if (question->flags & 32 /* BPF_FIB_LOOKUP_MARK */)
		((__u32 *)&params)[13] = question->mark;
	at = (question->table & 63) * QUESTIONS * WORDS + number * WORDS;
	keep(at, bpf_fib_lookup(ctx, &params, sizeof(params), question->flags));
	for (int word = 0; word < 8; word++)
		keep(at + 1 + word, words[word]);
	return 0;
}

/* Asks about all destinations; `slot` says where the answers go, and is the table asked for. */
static __always_inline void ask_all(void *ctx, __u32 slot, struct question question)
{
	question.table = slot;
	for (__u32 number = 0; number < QUESTIONS; number++) {
		question.number = number;
		ask(ctx, &question);
	}
}

#define ALL(ctx, slot, ...) ask_all(ctx, slot, (struct question){ __VA_ARGS__ })

static __always_inline void flags(void *ctx, __u32 family, __u32 from)
{
	ALL(ctx, 0, .family = family, .ifindex = from);
	ALL(ctx, 1, .family = family, .ifindex = from, .flags = BPF_FIB_LOOKUP_DIRECT);
	ALL(ctx, 2, .family = family, .ifindex = from, .flags = BPF_FIB_LOOKUP_OUTPUT);
	ALL(ctx, 3, .family = family, .ifindex = from, .flags = BPF_FIB_LOOKUP_SKIP_NEIGH);
	ALL(ctx, 4, .family = family, .ifindex = from, .flags = BPF_FIB_LOOKUP_SKIP_NEIGH | 16);
	ALL(ctx, 5, .family = family, .ifindex = from, .flags = 16);
	ALL(ctx, 6, .family = family, .ifindex = from, .flags = 32, .mark = 0x64);
	ALL(ctx, 7, .family = family, .ifindex = from, .flags = 32, .mark = 0x164);
	ALL(ctx, 8, .family = family, .ifindex = from, .flags = 64);
	ALL(ctx, 9, .family = family, .ifindex = from, .flags = BPF_FIB_LOOKUP_DIRECT | BPF_FIB_LOOKUP_TBID);
	ALL(ctx, 10, .family = family, .ifindex = from, .tos = 0x10);
	ALL(ctx, 11, .family = family, .ifindex = from, .source = 0x62);
	ALL(ctx, 12, .family = family, .ifindex = from, .flags = BPF_FIB_LOOKUP_DIRECT | 32, .mark = 0x64);
}

static __always_inline void lengths(void *ctx, __u32 family, __u32 from)
{
	ALL(ctx, 0, .family = family, .ifindex = from, .len = 600);
	ALL(ctx, 1, .family = family, .ifindex = from, .len = 601);
	ALL(ctx, 2, .family = family, .ifindex = from, .len = 901);
	ALL(ctx, 3, .family = family, .ifindex = from, .len = 1000);
	ALL(ctx, 4, .family = family, .ifindex = from, .len = 1001);
	ALL(ctx, 5, .family = family, .ifindex = from, .len = 1300);
	ALL(ctx, 6, .family = family, .ifindex = from, .len = 1301);
	ALL(ctx, 7, .family = family, .ifindex = from, .len = 1401);
	ALL(ctx, 8, .family = family, .ifindex = from, .len = 1500, .flags = BPF_FIB_LOOKUP_SKIP_NEIGH);
	ALL(ctx, 9, .family = family, .ifindex = from, .len = 1501, .flags = BPF_FIB_LOOKUP_SKIP_NEIGH);
}

static __always_inline void interfaces(void *ctx, __u32 family)
{
	for (__u32 index = 1; index < 8; index++) {
		ALL(ctx, index, .family = family, .ifindex = index);
		ALL(ctx, index + 8, .family = family, .ifindex = index, .flags = BPF_FIB_LOOKUP_OUTPUT);
	}
}

SEC("xdp")
int xdp_flags_v4(struct xdp_md *ctx)
{
	flags(ctx, AF_INET, 2);
	return XDP_PASS;
}

SEC("xdp")
int xdp_flags_v6(struct xdp_md *ctx)
{
	flags(ctx, AF_INET6, 2);
	return XDP_PASS;
}

SEC("xdp")
int xdp_lengths_v4(struct xdp_md *ctx)
{
	lengths(ctx, AF_INET, 2);
	return XDP_PASS;
}

SEC("xdp")
int xdp_lengths_v6(struct xdp_md *ctx)
{
	lengths(ctx, AF_INET6, 2);
	return XDP_PASS;
}

SEC("xdp")
int xdp_interfaces_v4(struct xdp_md *ctx)
{
	interfaces(ctx, AF_INET);
	return XDP_PASS;
}

SEC("xdp")
int xdp_interfaces_v6(struct xdp_md *ctx)
{
	interfaces(ctx, AF_INET6);
	return XDP_PASS;
}

SEC("tc")
int tc_flags_v4(struct __sk_buff *skb)
{
	flags(skb, AF_INET, 2);
	return TC_ACT_OK;
}

SEC("tc")
int tc_flags_v6(struct __sk_buff *skb)
{
	flags(skb, AF_INET6, 2);
	return TC_ACT_OK;
}

SEC("tc")
int tc_lengths_v4(struct __sk_buff *skb)
{
	lengths(skb, AF_INET, 2);
	return TC_ACT_OK;
}

SEC("tc")
int arguments(struct __sk_buff *skb)
{
	struct bpf_fib_lookup params[2] = {};

	SAY(bpf_fib_lookup(skb, params, sizeof(params[0]) - 1, 0));
	SAY(bpf_fib_lookup(skb, params, sizeof(params), 0));
	params[0].family = 1;
	SAY(bpf_fib_lookup(skb, params, sizeof(params[0]), 0));
	params[0].family = AF_INET;
	SAY(bpf_fib_lookup(skb, params, sizeof(params[0]), 0));
	params[0].ifindex = 999;
	SAY(bpf_fib_lookup(skb, params, sizeof(params[0]), 0));
	params[0].ifindex = 2;
	SAY(bpf_fib_lookup(skb, params, sizeof(params), 0));
	return TC_ACT_OK;
}
