// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Tunnel keys: set with each flag and size, read back with each flag and size.
#include <linux/pkt_cls.h>
#include "results.h"

/* Newer than the headers. */
#define SEEN_FLAGS 16
#define NO_KEY 16

__u8 seen[16][64] SEC(".bss.seen");

static __always_inline void read_back(struct __sk_buff *skb, __u32 slot, __u32 flags)
{
	struct bpf_tunnel_key key;

	__builtin_memset(&key, 0x55, sizeof(key));
	results[slot] = bpf_skb_get_tunnel_key(skb, &key, sizeof(key), flags);
	__builtin_memcpy(seen[slot], &key, sizeof(key));
}

static __always_inline struct bpf_tunnel_key full(bool ipv6)
{
	struct bpf_tunnel_key key = {
		.tunnel_id = 0x12345678,
		.tunnel_tos = 0x13,
		.tunnel_ttl = 99,
	};

	if (ipv6) {
		for (int i = 0; i < 4; i++) {
			key.remote_ipv6[i] = 0x01020304 * (i + 1);
			key.local_ipv6[i] = 0x11121314 * (i + 1);
		}
		key.tunnel_label = 0xabcdef12;
	} else {
		key.remote_ipv4 = 0x0a000001;
		key.local_ipv4 = 0x0a000002;
	}
	return key;
}

SEC("tc")
int none(struct __sk_buff *skb)
{
	__u8 options[8] = { 1 };

	read_back(skb, 0, 0);
	read_back(skb, 1, BPF_F_TUNINFO_IPV6);
	SAY(bpf_skb_get_tunnel_opt(skb, options, 8));
	SAY(options[0]);
	SAY(bpf_skb_set_tunnel_opt(skb, options, 8));
	return TC_ACT_OK;
}

SEC("tc")
int ipv4(struct __sk_buff *skb)
{
	struct bpf_tunnel_key key = full(false);

	SAY(bpf_skb_set_tunnel_key(skb, &key, sizeof(key), 0));
	read_back(skb, 0, 0);
	read_back(skb, 1, SEEN_FLAGS);
	read_back(skb, 2, BPF_F_TUNINFO_IPV6);
	read_back(skb, 3, 2);
	SAY(bpf_skb_set_tunnel_key(skb, &key, sizeof(key), BPF_F_ZERO_CSUM_TX));
	read_back(skb, 4, SEEN_FLAGS);
	SAY(bpf_skb_set_tunnel_key(skb, &key, sizeof(key), BPF_F_DONT_FRAGMENT));
	read_back(skb, 5, SEEN_FLAGS);
	SAY(bpf_skb_set_tunnel_key(skb, &key, sizeof(key), BPF_F_SEQ_NUMBER));
	read_back(skb, 6, SEEN_FLAGS);
	SAY(bpf_skb_set_tunnel_key(skb, &key, sizeof(key), NO_KEY));
	read_back(skb, 7, SEEN_FLAGS);
	SAY(bpf_skb_set_tunnel_key(skb, &key, sizeof(key), 0x1e));
	read_back(skb, 8, SEEN_FLAGS);
	SAY(bpf_skb_set_tunnel_key(skb, &key, sizeof(key), 0x20));
	key.tunnel_label = 1;
	SAY(bpf_skb_set_tunnel_key(skb, &key, sizeof(key), 0));
	key.tunnel_label = 0;
	key.tunnel_ext = 1;
	SAY(bpf_skb_set_tunnel_key(skb, &key, sizeof(key), 0));
	read_back(skb, 9, 0);
	return TC_ACT_OK;
}

SEC("tc")
int ipv6(struct __sk_buff *skb)
{
	struct bpf_tunnel_key key = full(true);

	SAY(bpf_skb_set_tunnel_key(skb, &key, sizeof(key), BPF_F_TUNINFO_IPV6));
	read_back(skb, 0, BPF_F_TUNINFO_IPV6);
	read_back(skb, 1, BPF_F_TUNINFO_IPV6 | SEEN_FLAGS);
	read_back(skb, 2, 0);
	SAY(bpf_skb_set_tunnel_key(skb, &key, sizeof(key), BPF_F_TUNINFO_IPV6 | 0x1e));
	read_back(skb, 3, BPF_F_TUNINFO_IPV6 | SEEN_FLAGS);
	return TC_ACT_OK;
}

#define SIZE(skb, key, bytes) \
	({ \
		SAY(bpf_skb_set_tunnel_key(skb, &key, bytes, 0)); \
		__builtin_memset(&back, 0x55, sizeof(back)); \
		results[__LINE__ + 100] = bpf_skb_get_tunnel_key(skb, &back, bytes, 0); \
		__builtin_memcpy(seen[slot++], &back, sizeof(back)); \
	})

SEC("tc")
int sizes(struct __sk_buff *skb)
{
	struct bpf_tunnel_key key = full(false), back;
	int slot = 0;

	SIZE(skb, key, 8);
	SIZE(skb, key, 22);
	SIZE(skb, key, 24);
	SIZE(skb, key, 28);
	SIZE(skb, key, 44);
	SIZE(skb, key, 4);
	SIZE(skb, key, 9);
	SIZE(skb, key, 43);
	return TC_ACT_OK;
}

SEC("tc")
int options(struct __sk_buff *skb)
{
	struct bpf_tunnel_key key = full(false);
	__u8 options[256] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
	__u8 back[16] = {};

	SAY(bpf_skb_set_tunnel_key(skb, &key, sizeof(key), 0));
	SAY(bpf_skb_get_tunnel_opt(skb, back, 16));
	SAY(bpf_skb_set_tunnel_opt(skb, options, 6));
	SAY(bpf_skb_set_tunnel_opt(skb, options, 256));
	SAY(bpf_skb_set_tunnel_opt(skb, options, 252));
	SAY(bpf_skb_get_tunnel_opt(skb, back, 16));
	SAY(bpf_skb_set_tunnel_opt(skb, options, 8));
	SAY(bpf_skb_get_tunnel_opt(skb, back, 16));
	__builtin_memcpy(seen[0], back, 16);
	SAY(bpf_skb_get_tunnel_opt(skb, back, 7));
	__builtin_memcpy(seen[1], back, 16);
	SAY(bpf_skb_get_tunnel_opt(skb, back, 8));
	read_back(skb, 2, SEEN_FLAGS);
	return TC_ACT_OK;
}
