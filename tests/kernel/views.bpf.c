// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Sockets as the kernel's own structures.
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include "results.h"

#define IP(a, b, c, d) bpf_htonl((a) << 24 | (b) << 16 | (c) << 8 | (d))

struct sock_common {
	unsigned short skc_family, skc_num;
	unsigned char skc_state;
	__be32 skc_daddr, skc_rcv_saddr;
	__be16 skc_dport;
	int skc_bound_dev_if;
} __attribute__((preserve_access_index));
struct sock {
	struct sock_common __sk_common;
	__u16 sk_type, sk_protocol;
	__u32 sk_mark;
} __attribute__((preserve_access_index));
struct inet_sock { struct sock sk; } __attribute__((preserve_access_index));
struct inet_connection_sock { struct inet_sock icsk_inet; } __attribute__((preserve_access_index));
struct tcp_sock { struct inet_connection_sock inet_conn; } __attribute__((preserve_access_index));

static __always_inline void look(struct __sk_buff *ctx, __be32 remote, __be32 local, __u16 remote_port,
				 __u16 local_port, bool udp, int line)
{
	struct bpf_sock_tuple tuple = {
		.ipv4 = { remote, local, bpf_htons(remote_port), bpf_htons(local_port) },
	};
	struct bpf_sock *sk;
	struct tcp_sock *tcp;
	struct sock *sock;

	sk = udp ? bpf_sk_lookup_udp(ctx, &tuple, sizeof(tuple.ipv4), -1, 0)
		 : bpf_sk_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv4), -1, 0);
	results[line] = sk != 0;
	if (!sk)
		return;
	tcp = (struct tcp_sock *)bpf_skc_to_tcp_sock(sk);
	results[line + 1] = tcp != 0;
	if (tcp) {
		sock = &tcp->inet_conn.icsk_inet.sk;
		results[line + 2] = sock->__sk_common.skc_family;
		results[line + 3] = sock->__sk_common.skc_num;
		results[line + 4] = sock->__sk_common.skc_state;
		results[line + 5] = sock->__sk_common.skc_daddr;
		results[line + 6] = sock->__sk_common.skc_rcv_saddr;
		results[line + 7] = sock->__sk_common.skc_dport;
		results[line + 8] = sock->__sk_common.skc_bound_dev_if;
		results[line + 9] = sock->sk_type;
		results[line + 10] = sock->sk_protocol;
		results[line + 11] = sock->sk_mark;
	}
	results[line + 12] = bpf_skc_to_tcp6_sock(sk) != 0;
	results[line + 13] = bpf_skc_to_tcp_timewait_sock(sk) != 0;
	results[line + 14] = bpf_skc_to_tcp_request_sock(sk) != 0;
	results[line + 15] = bpf_skc_to_udp6_sock(sk) != 0;
	results[line + 16] = bpf_skc_to_unix_sock(sk) != 0;
	results[line + 17] = bpf_skc_to_mptcp_sock(sk) != 0;
	bpf_sk_release(sk);
}

SEC("tc")
int connected(struct __sk_buff *ctx)
{
	look(ctx, IP(127, 0, 0, 1), IP(127, 0, 0, 1), 7000, 40000, false, 0);
	look(ctx, IP(10, 1, 0, 5), IP(10, 1, 0, 1), 1000, 8000, false, 20);
	look(ctx, IP(10, 1, 0, 5), IP(10, 1, 0, 1), 1000, 8002, false, 40);
	return 0;
}

SEC("tc")
int datagrams(struct __sk_buff *ctx)
{
	look(ctx, IP(10, 1, 0, 5), IP(10, 1, 0, 1), 1000, 9000, true, 0);
	look(ctx, IP(10, 1, 0, 5), IP(10, 1, 0, 1), 1000, 9004, true, 20);
	look(ctx, IP(127, 0, 0, 1), IP(127, 0, 0, 1), 9003, 9002, true, 40);
	return 0;
}
