// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Marks on packets: congestion, delivery times, hashes, what is known of checksums.
#include <linux/pkt_cls.h>
#include "results.h"

/* Gives the packet each of the four states before, as far as it has a header for them. */
static __always_inline void congestion(struct __sk_buff *skb, __u32 at)
{
	__u8 tos;

#pragma unroll
	for (int ecn = 0; ecn < 4; ecn++) {
		if (!bpf_skb_load_bytes(skb, at + 1, &tos, 1)) {
			tos = (tos & ~0x33) | ecn | ecn << 4;
			bpf_skb_store_bytes(skb, at + 1, &tos, 1, 0);
		}
		results[ecn] = bpf_skb_ecn_set_ce(skb);
		results[8 + ecn] = -1;
		bpf_skb_load_bytes(skb, at, &results[8 + ecn], 8);
		bpf_skb_load_bytes(skb, at + 8, &results[16 + ecn], 4);
	}
}

SEC("tc")
int tc_congestion(struct __sk_buff *skb)
{
	congestion(skb, 14);
	return TC_ACT_OK;
}

SEC("cgroup_skb/ingress")
int cgroup_congestion(struct __sk_buff *skb)
{
	SAY(bpf_skb_ecn_set_ce(skb));
	SAY(bpf_skb_ecn_set_ce(skb));
	return 1;
}

/* The checksum at its limits. */
SEC("tc")
int congestion_checksum(struct __sk_buff *skb)
{
	__u16 checks[] = { 0, 1, 2, 0xffff, 0xfffe, 0xfdff, 0x0100, 0x0200, 0x00ff };
	__u8 tos;

#pragma unroll
	for (int i = 0; i < 18; i++) {
		tos = 1 + i / 9;
		bpf_skb_store_bytes(skb, 15, &tos, 1, 0);
		bpf_skb_store_bytes(skb, 24, &checks[i % 9], 2, 0);
		results[i] = bpf_skb_ecn_set_ce(skb);
		bpf_skb_load_bytes(skb, 24, &results[32 + i], 2);
	}
	return TC_ACT_OK;
}

SEC("tc")
int delivery_time(struct __sk_buff *skb)
{
	SAY(bpf_skb_set_tstamp(skb, 1234567, 1));
	SAY(skb->tstamp);
	SAY(skb->tstamp_type);
	SAY(bpf_skb_set_tstamp(skb, 0, 1));
	SAY(bpf_skb_set_tstamp(skb, 77, 2));
	SAY(skb->tstamp_type);
	SAY(bpf_skb_set_tstamp(skb, 0, 2));
	SAY(bpf_skb_set_tstamp(skb, 5, 0));
	SAY(skb->tstamp);
	SAY(skb->tstamp_type);
	SAY(bpf_skb_set_tstamp(skb, 5, 3));
	SAY(bpf_skb_set_tstamp(skb, 0, 0));
	SAY(skb->tstamp);
	SAY(bpf_skb_set_tstamp(skb, 99, 1));
	return TC_ACT_OK;
}

SEC("tc")
int hashes(struct __sk_buff *skb)
{
	__u32 word = 7;
	__u32 hash;

	bpf_set_hash(skb, 0);
	SAY(bpf_get_hash_recalc(skb));
	bpf_set_hash(skb, 5);
	SAY(bpf_get_hash_recalc(skb));
	SAY(bpf_skb_store_bytes(skb, 6, &word, 4, 0));
	SAY(skb->hash);
	SAY(bpf_skb_store_bytes(skb, 6, &word, 4, BPF_F_INVALIDATE_HASH));
	SAY(skb->hash);
	/* What it is made of is secret, but it is the same twice. */
	hash = bpf_get_hash_recalc(skb);
	SAY(hash == skb->hash);
	SAY(hash == bpf_get_hash_recalc(skb));
	return TC_ACT_OK;
}

SEC("tc")
int levels(struct __sk_buff *skb)
{
	SAY(bpf_csum_level(skb, BPF_CSUM_LEVEL_QUERY));
	SAY(bpf_csum_level(skb, BPF_CSUM_LEVEL_DEC));
	SAY(bpf_csum_level(skb, BPF_CSUM_LEVEL_INC));
	SAY(bpf_csum_level(skb, BPF_CSUM_LEVEL_QUERY));
#pragma unroll
	for (int i = 0; i < 5; i++)
		results[i] = bpf_csum_level(skb, BPF_CSUM_LEVEL_INC);
	SAY(bpf_csum_level(skb, BPF_CSUM_LEVEL_QUERY));
	SAY(bpf_csum_level(skb, BPF_CSUM_LEVEL_DEC));
	SAY(bpf_csum_level(skb, BPF_CSUM_LEVEL_QUERY));
	SAY(bpf_csum_level(skb, BPF_CSUM_LEVEL_RESET));
	SAY(bpf_csum_level(skb, BPF_CSUM_LEVEL_QUERY));
	SAY(bpf_csum_level(skb, BPF_CSUM_LEVEL_INC));
	SAY(bpf_csum_level(skb, BPF_CSUM_LEVEL_DEC));
	SAY(bpf_csum_level(skb, BPF_CSUM_LEVEL_QUERY));
	SAY(bpf_csum_level(skb, 4));
	SAY(bpf_csum_level(skb, BPF_CSUM_LEVEL_INC));
	SAY(bpf_skb_adjust_room(skb, 4, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_NO_CSUM_RESET));
	SAY(bpf_csum_level(skb, BPF_CSUM_LEVEL_QUERY));
	SAY(bpf_skb_adjust_room(skb, 4, BPF_ADJ_ROOM_MAC, 0));
	SAY(bpf_csum_level(skb, BPF_CSUM_LEVEL_QUERY));
	return TC_ACT_OK;
}

SEC("tc")
int encryption(struct __sk_buff *skb)
{
	struct bpf_xfrm_state state;

	__builtin_memset(&state, 0xff, sizeof(state));
	SAY(bpf_skb_get_xfrm_state(skb, 0, &state, sizeof(state), 0));
	SAY(state.reqid);
	SAY(state.spi);
	SAY(bpf_skb_get_xfrm_state(skb, 1, &state, sizeof(state), 1));
	return TC_ACT_OK;
}
