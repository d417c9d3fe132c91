// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// The kernel's structures behind contexts, counts of maps, keys.
#include "kfuncs.h"

struct net_device { char name[16]; int ifindex; unsigned int mtu; } __attribute__((preserve_access_index));
struct sk_buff {
	unsigned int len, mark, priority;
	__u16 queue_mapping;
	int skb_iif;
	struct net_device *dev;
	unsigned char *head, *data;
} __attribute__((preserve_access_index));
struct xdp_rxq_info { struct net_device *dev; __u32 queue_index; } __attribute__((preserve_access_index));
struct xdp_buff {
	void *data, *data_end, *data_meta, *data_hard_start;
	struct xdp_rxq_info *rxq;
} __attribute__((preserve_access_index));
struct bpf_key { int has_ref; } __attribute__((preserve_access_index));
struct bpf_map { __u32 id; } __attribute__((preserve_access_index));

extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym;
extern void *bpf_rdonly_cast(const void *object, __u32 type) __ksym;
extern __s64 bpf_map_sum_elem_count(const struct bpf_map *map) __ksym;
extern struct bpf_key *bpf_lookup_system_key(__u64 id) __ksym;
extern struct bpf_key *bpf_lookup_user_key(int serial, __u64 flags) __ksym;
extern void bpf_key_put(struct bpf_key *key) __ksym;

SEC("tc")
int socket_buffer(struct __sk_buff *ctx)
{
	struct sk_buff *skb = bpf_cast_to_kern_ctx(ctx);

	SAY(skb->len == ctx->len);
	SAY(skb->mark);
	SAY(skb->priority);
	SAY(skb->queue_mapping);
	SAY(skb->dev->ifindex);
	SAY(skb->dev->mtu);
	SAY(skb->dev->name[0]);
	SAY(skb->dev->name[1]);
	SAY(skb->dev->name[2]);
	SAY(skb->data > skb->head);
	ctx->mark = 77;
	skb = bpf_cast_to_kern_ctx(ctx);
	SAY(skb->mark);
	return 0;
}

SEC("xdp")
int buffer(struct xdp_md *ctx)
{
	struct xdp_buff *xdp = bpf_cast_to_kern_ctx(ctx);

	SAY(xdp->data_end - xdp->data);
	SAY(xdp->data - xdp->data_meta);
	SAY(xdp->data - xdp->data_hard_start);
	SAY(xdp->rxq->queue_index);
	SAY(xdp->rxq->dev->ifindex);
	return 2;
}

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u32);
} lru SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} array SEC(".maps");

SEC("tc")
int counted(struct __sk_buff *ctx)
{
	__u32 key = ctx->len & 3;

	SAY(bpf_map_update_elem(&hash, &key, &key, 0));
	SAY(bpf_map_update_elem(&lru, &key, &key, 0));
	SAY(bpf_map_sum_elem_count((const struct bpf_map *)&hash));
	SAY(bpf_map_sum_elem_count((const struct bpf_map *)&lru));
	SAY(bpf_map_sum_elem_count((const struct bpf_map *)&array));
	return 0;
}

SEC("syscall")
int keys(void *ctx)
{
	struct bpf_key *key;

#pragma unroll
	for (int id = 0; id < 4; id++) {
		key = bpf_lookup_system_key(id);
		SAY(results[__LINE__] * 2 + (key != 0));
		if (key)
			bpf_key_put(key);
	}
	key = bpf_lookup_user_key(0x12345678, 0);
	SAY(key != 0);
	if (key)
		bpf_key_put(key);
	key = bpf_lookup_user_key(0x12345678, 0x100);
	SAY(key != 0);
	if (key)
		bpf_key_put(key);
	return 0;
}
