// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Where control goes: tail calls and their limit, subprograms, callbacks, loops.
#include "results.h"

int again(struct xdp_md *ctx);
int target(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(key_size, 4);
	__uint(max_entries, 4);
	__array(values, int(struct xdp_md *));
} jumps SEC(".maps") = { .values = { (void *)&again, (void *)&target } };

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 64);
} numbers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 8);
} cells SEC(".maps");

__u64 rounds;

SEC("xdp")
int again(struct xdp_md *ctx)
{
	__sync_fetch_and_add(&rounds, 1);
	bpf_tail_call(ctx, &jumps, 0);
	SAY(rounds);
	return 5;
}

SEC("xdp")
int target(struct xdp_md *ctx)
{
	SAY(ctx->data_end - ctx->data);
	return 1000;
}

SEC("xdp")
int jump(struct xdp_md *ctx)
{
	SAY(1);
	bpf_tail_call(ctx, &jumps, 1);
	SAY(2);
	return 6;
}

/* An empty slot and one that does not exist fall through. */
SEC("xdp")
int fall_through(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &jumps, 2);
	SAY(1);
	bpf_tail_call(ctx, &jumps, 4);
	SAY(2);
	bpf_tail_call(ctx, &jumps, opaque(0xffffffff));
	SAY(3);
	return 7;
}

static __noinline __u64 fibonacci(int n)
{
	__u64 a = 0, b = 1, c;

	for (int i = 0; i < n && i < 90; i++) {
		c = a + b;
		a = b;
		b = c;
	}
	return a;
}

__noinline int global_sum(int a, int b, int c, int d, int e)
{
	return a + 2 * b + 3 * c + 4 * d + (int)fibonacci(e & 31);
}

static __noinline void through_stack(__u64 *cell, int by)
{
	__u64 local[4] = { *cell, by, 3, 4 };

	for (int i = 0; i < 4; i++)
		*cell += opaque(local[i]);
}

/* A global function gets memory it may use, checked by itself. */
__noinline int global_memory(__u64 *cell)
{
	if (!cell)
		return -1;
	*cell *= 3;
	return 3;
}

SEC("xdp")
int calls(struct xdp_md *ctx)
{
	__u64 cell = ctx->data_end - ctx->data;

	SAY(fibonacci(cell & 63));
	SAY(global_sum(cell, -2, 3, -4, cell));
	through_stack(&cell, -7);
	SAY(cell);
	SAY(global_memory(&cell));
	SAY(global_memory(0));
	SAY(cell);
	return (int)cell;
}

struct bpf_map;

/* What callbacks count lies in memory the verifier does not follow, so that loops end for it. */
__u64 sum, count;

static long step(__u32 index, __u64 *stop)
{
	sum += index * index;
	count++;
	return index == *stop;
}

SEC("xdp")
int loops(struct xdp_md *ctx)
{
	__u64 stop = 1000;

	SAY(bpf_loop(100, step, &stop, 0));
	SAY(sum);
	SAY(bpf_loop(0, step, &stop, 0));
	stop = ctx->data_end - ctx->data;
	SAY(bpf_loop(200, step, &stop, 0));
	SAY(count);
	SAY(bpf_loop(1, step, &stop, opaque(1)));
	/* Where the kernel inlines the loop, the upper half of this error is lost. */
	SAY((int)bpf_loop(opaque(1 << 24), step, &stop, 0));
	return count;
}

static long visit(struct bpf_map *map, __u32 *key, __u64 *value, void *nothing)
{
	sum += *key * 1000 + *value;
	count++;
	*value += 1;
	return 0;
}

static long visit_until(struct bpf_map *map, __u32 *key, __u64 *value, __u32 *last)
{
	*value += 100;
	return *key == *last;
}

SEC("xdp")
int each(struct xdp_md *ctx)
{
	__u32 key = ctx->data_end - ctx->data, last = 3;
	__u64 value = 1;

	bpf_map_update_elem(&numbers, &key, &value, BPF_ANY);
	SAY(bpf_for_each_map_elem(&numbers, visit, 0, 0));
	SAY(sum);
	SAY(bpf_for_each_map_elem(&cells, visit, 0, 0));
	SAY(sum);
	SAY(bpf_for_each_map_elem(&cells, visit, 0, opaque(1)));
	SAY(bpf_for_each_map_elem(&cells, visit_until, &last, 0));
	last = 7;
	SAY(bpf_for_each_map_elem(&cells, visit_until, &last, 0));
	return 0;
}
