// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// SYN cookies. The kernel's secret is another one at each start, so only what does not depend on it is
// compared: errors, segment sizes, and that a cookie is right for its connection and no other.
#include <linux/bpf.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include "results.h"

struct segment {
	struct tcphdr tcp;
	__u8 options[8];
};

static __always_inline struct segment opening(__u16 size)
{
	struct segment segment = {
		.tcp = { .source = bpf_htons(1000), .dest = bpf_htons(80), .seq = bpf_htonl(77), .syn = 1, .doff = 7 },
		.options = { 1, 2, 4, size >> 8, size, 1, 0, 0 },
	};

	return segment;
}

#define SIZE(segment_size) \
	({ \
		segment = opening(segment_size); \
		cookie = bpf_tcp_raw_gen_syncookie_ipv4(&ip, &segment.tcp, 28); \
		SAY(cookie >> 32); \
	})

SEC("xdp")
int ipv4(struct xdp_md *ctx)
{
	struct iphdr ip = { .version = 4, .ihl = 5, .saddr = 0x0100000a, .daddr = 0x0200000a };
	struct segment segment;
	__s64 cookie;

	SIZE(0);
	SIZE(1);
	SIZE(535);
	SIZE(536);
	SIZE(1299);
	SIZE(1300);
	SIZE(1440);
	SIZE(1459);
	SIZE(1460);
	SIZE(0xffff);
	SAY(bpf_tcp_raw_gen_syncookie_ipv4(&ip, &segment.tcp, 20));
	SAY(bpf_tcp_raw_gen_syncookie_ipv4(&ip, &segment.tcp, 24));
	segment.tcp.doff = 5;
	SAY(bpf_tcp_raw_gen_syncookie_ipv4(&ip, &segment.tcp, 20) >> 32);
	segment = opening(1300);
	cookie = bpf_tcp_raw_gen_syncookie_ipv4(&ip, &segment.tcp, 28);
	segment.tcp.ack_seq = bpf_htonl((__u32)cookie + 1);
	segment.tcp.seq = bpf_htonl(78);
	SAY(bpf_tcp_raw_check_syncookie_ipv4(&ip, &segment.tcp));
	segment.tcp.seq = bpf_htonl(79);
	SAY(bpf_tcp_raw_check_syncookie_ipv4(&ip, &segment.tcp));
	segment.tcp.seq = bpf_htonl(78);
	ip.saddr++;
	SAY(bpf_tcp_raw_check_syncookie_ipv4(&ip, &segment.tcp));
	return XDP_PASS;
}

#define SIZE6(segment_size) \
	({ \
		segment = opening(segment_size); \
		cookie = bpf_tcp_raw_gen_syncookie_ipv6(&ip, &segment.tcp, 28); \
		SAY(cookie >> 32); \
	})

SEC("xdp")
int ipv6(struct xdp_md *ctx)
{
	struct ipv6hdr ip = { .version = 6, .saddr.in6_u.u6_addr8[3] = 4, .daddr.in6_u.u6_addr8[7] = 9 };
	struct segment segment;
	__s64 cookie;

	SIZE6(0);
	SIZE6(1219);
	SIZE6(1220);
	SIZE6(1420);
	SIZE6(1440);
	SIZE6(8939);
	SIZE6(8940);
	cookie = bpf_tcp_raw_gen_syncookie_ipv6(&ip, &segment.tcp, 28);
	segment.tcp.ack_seq = bpf_htonl((__u32)cookie + 1);
	segment.tcp.seq = bpf_htonl(78);
	SAY(bpf_tcp_raw_check_syncookie_ipv6(&ip, &segment.tcp));
	segment.tcp.dest++;
	SAY(bpf_tcp_raw_check_syncookie_ipv6(&ip, &segment.tcp));
	return XDP_PASS;
}
