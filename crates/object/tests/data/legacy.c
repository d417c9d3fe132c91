// SPDX-License-Identifier: MIT OR Apache-2.0
/* Maps defined by numbers, as before BTF, in structures of three sizes and without sizes. */
#include "common.h"

struct five { __u32 type, key, value, entries, flags; };
struct seven { __u32 type, key, value, entries, flags, id, pinning; };
struct iproute2 { __u32 type, key, value, entries, flags, id, pinning, inner_id, inner_idx; };

struct five short_one SEC("maps") = { BPF_MAP_TYPE_HASH, 4, 8, 16, BPF_F_NO_PREALLOC };
struct seven longer SEC("maps") = { BPF_MAP_TYPE_ARRAY, 4, 8, 16, 0, 0, 1 };
struct iproute2 tc_inner SEC("maps") = { BPF_MAP_TYPE_ARRAY, 4, 4, 2, 0, 7, 0, 0, 1 };
struct iproute2 tc_outer SEC("maps") = { BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 3, 0, 8, 2, 7, -1 };
struct five alone SEC("maps/alone") = { BPF_MAP_TYPE_ARRAY, 4, 4, 1, 0 };
asm(".section maps,\"aw\",@progbits\n.globl sizeless\nsizeless:\n.long 1,4,4,9,0\n.globl sizeless2\nsizeless2:\n.long 2,4,4,9,0\n");
extern struct five sizeless, sizeless2;

SEC("classifier/ingress/main") int guessed(struct __sk_buff *skb)
{
	__u32 key = 0;

	bpf_map_lookup_elem(&short_one, &key);
	bpf_map_lookup_elem(&longer, &key);
	bpf_map_lookup_elem(&tc_outer, &key);
	bpf_map_lookup_elem(&alone, &key);
	bpf_map_lookup_elem(&sizeless, &key);
	bpf_map_lookup_elem(&sizeless2, &key);
	return 0;
}
SEC("2/1") int slot(struct __sk_buff *skb) { return 0; }
SEC("socket1") int numbered(struct __sk_buff *skb) { return 0; }
SEC("xdp_foo") int suffixed(struct xdp_md *ctx) { return XDP_PASS; }
SEC("test") int unknown(void *ctx) { return 0; }
LICENSE;
__u32 _version SEC("version") = 0x40f00;
