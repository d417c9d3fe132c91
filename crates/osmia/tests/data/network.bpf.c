// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// The socket of a packet, and a connection in both directions. Rebuild from the repository root:
// clang-19 -target bpf -O2 -g -mcpu=v3 -fdebug-prefix-map=$PWD=. -I/usr/include/x86_64-linux-gnu -c crates/osmia/tests/data/network.bpf.c -o crates/osmia/tests/data/network.bpf.o
// llvm-strip-19 -g crates/osmia/tests/data/network.bpf.o
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define __ksym __attribute__((section(".ksyms")))

struct nf_conn { unsigned int mark; unsigned long status; } __attribute__((preserve_access_index));
struct bpf_ct_opts {
	__s32 netns_id, error;
	__u8 l4proto, dir;
	__u16 zone;
};

extern struct nf_conn *bpf_skb_ct_lookup(struct __sk_buff *ctx, struct bpf_sock_tuple *tuple, __u32 tuple__sz,
					 struct bpf_ct_opts *opts, __u32 opts__sz) __ksym;
extern void bpf_ct_release(struct nf_conn *nfct) __ksym;

long cookie, mark, port, uid;

SEC("tc")
int socket(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	cookie = bpf_get_socket_cookie(skb);
	uid = bpf_get_socket_uid(skb);
	if (!sk)
		return 0;
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		return 0;
	mark = sk->mark;
	port = __builtin_bswap16(sk->dst_port);
	return 0;
}

long found, back, missing;

static long look(struct __sk_buff *skb, __u16 from, __u16 to)
{
	struct bpf_ct_opts opts = { .netns_id = -1, .l4proto = 6 };
	struct bpf_sock_tuple tuple = {};
	struct nf_conn *connection;
	long known;

	tuple.ipv4.saddr = __builtin_bswap32(from == 80 ? 0x0a000002 : 0x0a000001);
	tuple.ipv4.daddr = __builtin_bswap32(from == 80 ? 0x0a000001 : 0x0a000002);
	tuple.ipv4.sport = __builtin_bswap16(from);
	tuple.ipv4.dport = __builtin_bswap16(to);
	connection = bpf_skb_ct_lookup(skb, &tuple, sizeof(tuple.ipv4), &opts, sizeof(opts));
	if (!connection)
		return opts.error;
	known = connection->mark * 100 + opts.dir * 10 + (connection->status >> 3 & 1);
	bpf_ct_release(connection);
	return known;
}

SEC("tc")
int connections(struct __sk_buff *skb)
{
	found = look(skb, 1234, 80);
	back = look(skb, 80, 1234);
	missing = look(skb, 1235, 80);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
