// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// What a classifier reads and writes: context fields, bytes, lengths, tags, checksums.
#include <linux/pkt_cls.h>
#include "results.h"

SEC("tc")
int context(struct __sk_buff *skb)
{
	SAY(skb->len);
	SAY(skb->pkt_type);
	SAY(skb->mark);
	SAY(skb->queue_mapping);
	SAY(skb->protocol);
	SAY(skb->vlan_present);
	SAY(skb->vlan_tci);
	SAY(skb->vlan_proto);
	SAY(skb->priority);
	SAY(skb->ingress_ifindex);
	SAY(skb->ifindex);
	SAY(skb->tc_index);
	SAY(skb->cb[0]);
	SAY(skb->cb[4]);
	SAY(skb->tc_classid);
	SAY(skb->data_end - skb->data);
	SAY(skb->data - skb->data_meta);
	SAY(skb->napi_id);
	SAY(skb->tstamp);
	SAY(skb->wire_len);
	SAY(skb->gso_segs);
	SAY(skb->gso_size);
	SAY(skb->hash);
	SAY(bpf_get_smp_processor_id());
	return TC_ACT_OK;
}

SEC("tc")
int write_context(struct __sk_buff *skb)
{
	skb->mark = skb->mark * 3 + 1;
	skb->priority = 0xdeadbeef;
	skb->tc_index = 0x12345;
	skb->cb[1] = 0x55aa55aa;
	*(__u8 *)&skb->cb[2] = 0x77;
	*(__u64 *)&skb->cb[3] = 0x0102030405060708;
	skb->tc_classid = 0x10001;
	skb->queue_mapping = 3;
	skb->tstamp = 1000;
	SAY(skb->mark);
	SAY(skb->tc_index);
	SAY(skb->tc_classid);
	SAY(skb->queue_mapping);
	SAY(skb->tstamp);
	SAY(*(__u16 *)&skb->mark);
	SAY(*((__u8 *)&skb->len + 1));
	return TC_ACT_SHOT;
}

SEC("tc")
int bytes(struct __sk_buff *skb)
{
	__u64 word = 0x1122334455667788;
	__u32 len = skb->len;

	SAY(bpf_skb_load_bytes(skb, 0, &word, 8));
	SAY(word);
	SAY(bpf_skb_load_bytes(skb, len - 4, &word, 4));
	SAY(word);
	SAY(bpf_skb_load_bytes(skb, len - 3, &word, 4));
	SAY(word);
	word = ~0;
	SAY(bpf_skb_load_bytes(skb, 0xffff0000, &word, 4));
	SAY(word);
	SAY(bpf_skb_load_bytes_relative(skb, 12, &word, 8, BPF_HDR_START_MAC));
	SAY(word);
	SAY(bpf_skb_load_bytes_relative(skb, 0, &word, 4, BPF_HDR_START_NET));
	SAY(word);
	SAY(bpf_skb_load_bytes_relative(skb, 0, &word, 4, opaque(2)));
	SAY(bpf_skb_load_bytes_relative(skb, len - 14, &word, 1, BPF_HDR_START_NET));
	word = 0x8877665544332211;
	SAY(bpf_skb_store_bytes(skb, 6, &word, 6, 0));
	SAY(bpf_skb_store_bytes(skb, 0, &word, 2, BPF_F_RECOMPUTE_CSUM));
	SAY(bpf_skb_store_bytes(skb, 2, &word, 2, BPF_F_INVALIDATE_HASH));
	SAY(bpf_skb_store_bytes(skb, 2, &word, 2, opaque(4)));
	SAY(bpf_skb_store_bytes(skb, len - 1, &word, 2, 0));
	SAY(bpf_skb_store_bytes(skb, 0x10000, &word, 2, 0));
	SAY(bpf_skb_store_bytes(skb, len - 2, &word, 2, 0));
	return 17;
}

SEC("tc")
int tail(struct __sk_buff *skb)
{
	__u32 len = skb->len;

	SAY(bpf_skb_change_tail(skb, len + 10, 1));
	SAY(bpf_skb_change_tail(skb, 13, 0));
	SAY(bpf_skb_change_tail(skb, 100000, 0));
	SAY(bpf_skb_change_tail(skb, len + 33, 0));
	SAY(skb->len);
	SAY(skb->data_end - skb->data);
	SAY(bpf_skb_change_tail(skb, len, 0));
	SAY(skb->len);
	SAY(bpf_skb_change_tail(skb, 14, 0));
	SAY(skb->len);
	SAY(bpf_skb_change_tail(skb, 64, 0));
	SAY(skb->len);
	return TC_ACT_OK;
}

SEC("tc")
int head(struct __sk_buff *skb)
{
	SAY(bpf_skb_change_head(skb, 14, 1));
	SAY(bpf_skb_change_head(skb, 100000, 0));
	SAY(bpf_skb_change_head(skb, 14, 0));
	SAY(skb->len);
	SAY(skb->data_end - skb->data);
	SAY(bpf_skb_change_head(skb, 300, 0));
	SAY(skb->len);
	return TC_ACT_OK;
}

SEC("tc")
int pull(struct __sk_buff *skb)
{
	SAY(bpf_skb_pull_data(skb, 0));
	SAY(bpf_skb_pull_data(skb, skb->len));
	SAY(bpf_skb_pull_data(skb, skb->len + 1));
	SAY(bpf_skb_pull_data(skb, 14));
	SAY(skb->data_end - skb->data);
	return TC_ACT_OK;
}

SEC("tc")
int change_type(struct __sk_buff *skb)
{
	SAY(bpf_skb_change_type(skb, 4));
	SAY(bpf_skb_change_type(skb, 1));
	SAY(skb->pkt_type);
	SAY(bpf_skb_change_type(skb, 0));
	SAY(skb->pkt_type);
	return TC_ACT_OK;
}

SEC("tc")
int hash(struct __sk_buff *skb)
{
	bpf_set_hash(skb, 0x1234);
	SAY(skb->hash);
	SAY(bpf_get_hash_recalc(skb));
	bpf_set_hash_invalid(skb);
	SAY(skb->hash);
	return TC_ACT_OK;
}

SEC("tc")
int checksums(struct __sk_buff *skb)
{
	__be32 from[4] = { 0x01020304, 0xffffffff, 0, 0x80808080 };
	__be32 to[4] = { 0xc0a80001, 5, 0xffffffff, 0x11111111 };
	__s64 difference;

	SAY(bpf_csum_diff(from, 16, to, 16, 0));
	SAY(bpf_csum_diff(0, 0, to, 16, 0));
	SAY(bpf_csum_diff(from, 16, 0, 0, 0));
	SAY(bpf_csum_diff(0, 0, 0, 0, 0x12345678));
	SAY(bpf_csum_diff(from, 4, to, 4, 0xffffffff));
	SAY(bpf_csum_diff(from, 8, to, 4, 0xfffe));
	SAY(bpf_csum_diff(from, opaque(6) & 7, to, 4, 0));
	difference = bpf_csum_diff(from, 4, to, 4, 0);
	SAY(bpf_l3_csum_replace(skb, 24, from[0], to[0], 4));
	SAY(bpf_l3_csum_replace(skb, 24, 0x1122, 0x3344, 2));
	SAY(bpf_l3_csum_replace(skb, 24, 0, difference, 0));
	SAY(bpf_l3_csum_replace(skb, 24, 1, difference, 0));
	SAY(bpf_l3_csum_replace(skb, 24, 0, 0, 3));
	SAY(bpf_l3_csum_replace(skb, 24, 0, 0, 0x14));
	SAY(bpf_l3_csum_replace(skb, 25, 0, 1, 2));
	SAY(bpf_l3_csum_replace(skb, 0x10000, 0, 1, 2));
	SAY(bpf_l3_csum_replace(skb, 1600, 0, 1, 2));
	SAY(bpf_l4_csum_replace(skb, 36, from[0], to[0], BPF_F_PSEUDO_HDR | 4));
	SAY(bpf_l4_csum_replace(skb, 38, 0x1122, 0x3344, 2));
	SAY(bpf_l4_csum_replace(skb, 40, 0, difference, BPF_F_MARK_MANGLED_0));
	SAY(bpf_l4_csum_replace(skb, 42, 0, 0, BPF_F_MARK_MANGLED_0 | BPF_F_MARK_ENFORCE | 2));
	SAY(bpf_l4_csum_replace(skb, 44, 0, 1, 0x1000));
	SAY(bpf_csum_update(skb, 1));
	return TC_ACT_OK;
}

SEC("tc")
int redirects(struct __sk_buff *skb)
{
	SAY(bpf_redirect(1, 0));
	SAY(bpf_redirect(1, 1));
	SAY(bpf_redirect(opaque(1), opaque(2)));
	return TC_ACT_OK;
}
