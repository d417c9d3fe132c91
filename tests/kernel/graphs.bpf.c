// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Lists and trees of objects in values.
#include "kfuncs.h"

#define VALUES(map_name, map_type, map_value, entries) \
	struct { \
		__uint(type, map_type); \
		__type(key, __u32); \
		__type(value, map_value); \
		__uint(max_entries, entries); \
	} map_name SEC(".maps")

struct element {
	__u64 number;
	struct bpf_list_node node;
};

struct listed {
	struct bpf_spin_lock lock;
	__u32 count;
	struct bpf_list_head head __contains(element, node);
};

VALUES(lists, BPF_MAP_TYPE_ARRAY, struct listed, 1);

static __always_inline int push(struct listed *list, __u64 number, _Bool front)
{
	struct element *element = NEW(struct element);

	if (!element)
		return -1;
	element->number = number;
	bpf_spin_lock(&list->lock);
	if (front)
		bpf_list_push_front_impl(&list->head, &element->node, 0, 0);
	else
		bpf_list_push_back_impl(&list->head, &element->node, 0, 0);
	list->count++;
	bpf_spin_unlock(&list->lock);
	return 0;
}

static __always_inline __u64 pop(struct listed *list, _Bool front)
{
	struct bpf_list_node *node;
	struct element *element;
	__u64 number;

	bpf_spin_lock(&list->lock);
	if (front)
		node = bpf_list_pop_front(&list->head);
	else
		node = bpf_list_pop_back(&list->head);
	if (node)
		list->count--;
	bpf_spin_unlock(&list->lock);
	if (!node)
		return -1;
	element = HOLDER(node, struct element, node);
	number = element->number;
	DROP(element);
	return number;
}

SEC("tc")
int list(struct __sk_buff *ctx)
{
	__u32 key = 0;
	struct listed *list = bpf_map_lookup_elem(&lists, &key), none = {};

	if (!list)
		return 1;
	SAY(pop(list, 1));
	SAY(push(list, 1, 0));
	SAY(push(list, 2, 0));
	SAY(push(list, 3, 1));
	SAY(push(list, ctx->len, 0));
	SAY(pop(list, 1));
	SAY(pop(list, 0));
	SAY(list->count);
	if (ctx->len & 1)
		SAY(bpf_map_update_elem(&lists, &key, &none, 0));
	return 0;
}

struct leaf {
	__u64 number;
	struct bpf_rb_node node;
	struct bpf_refcount count;
	struct bpf_list_node also;
};

struct tree {
	struct bpf_spin_lock lock;
	struct bpf_rb_root root __contains(leaf, node);
};

struct queue {
	struct bpf_spin_lock lock;
	struct bpf_list_head head __contains(leaf, also);
};

VALUES(trees, BPF_MAP_TYPE_HASH, struct tree, 2);
VALUES(queues, BPF_MAP_TYPE_ARRAY, struct queue, 1);

static _Bool less(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return HOLDER(a, struct leaf, node)->number < HOLDER(b, struct leaf, node)->number;
}

static __always_inline __u64 take_first(struct tree *tree)
{
	struct bpf_rb_node *node;
	struct leaf *leaf;
	__u64 number;

	bpf_spin_lock(&tree->lock);
	node = bpf_rbtree_first(&tree->root);
	if (!node) {
		bpf_spin_unlock(&tree->lock);
		return -1;
	}
	node = bpf_rbtree_remove(&tree->root, node);
	bpf_spin_unlock(&tree->lock);
	if (!node)
		return -2;
	leaf = HOLDER(node, struct leaf, node);
	number = leaf->number;
	DROP(leaf);
	return number;
}

SEC("tc")
int sorted(struct __sk_buff *ctx)
{
	struct tree empty = {}, *tree;
	struct queue *queue;
	struct leaf *leaf, *again;
	struct bpf_list_node *node;
	__u32 key = 0;
	__u64 seed = ctx->len;

	bpf_map_update_elem(&trees, &key, &empty, BPF_NOEXIST);
	tree = bpf_map_lookup_elem(&trees, &key);
	queue = bpf_map_lookup_elem(&queues, &key);
	if (!tree || !queue)
		return 1;
	for (int i = 0; i < 8; i++) {
		leaf = NEW(struct leaf);
		if (!leaf)
			return 2;
		seed = seed * 1103515245 + 12345;
		leaf->number = seed >> 16 & 0xff;
		bpf_spin_lock(&tree->lock);
		bpf_rbtree_add_impl(&tree->root, &leaf->node, less, 0, 0);
		bpf_spin_unlock(&tree->lock);
	}
	for (int i = 0; i < 6; i++)
		results[220 + i] = take_first(tree);

	leaf = NEW(struct leaf);
	if (!leaf)
		return 3;
	leaf->number = 1000;
	again = bpf_refcount_acquire_impl(leaf, 0);
	if (!again) {
		DROP(leaf);
		return 4;
	}
	bpf_spin_lock(&tree->lock);
	bpf_rbtree_add_impl(&tree->root, &leaf->node, less, 0, 0);
	bpf_spin_unlock(&tree->lock);
	bpf_spin_lock(&queue->lock);
	bpf_list_push_back_impl(&queue->head, &again->also, 0, 0);
	bpf_spin_unlock(&queue->lock);
	SAY(take_first(tree));
	SAY(take_first(tree));
	SAY(take_first(tree));
	SAY(take_first(tree));
	bpf_spin_lock(&queue->lock);
	node = bpf_list_pop_front(&queue->head);
	bpf_spin_unlock(&queue->lock);
	if (!node)
		return 5;
	leaf = HOLDER(node, struct leaf, also);
	SAY(leaf->number);
	DROP(leaf);
	key = 0;
	if (seed & 1)
		SAY(bpf_map_delete_elem(&trees, &key));
	return 0;
}
