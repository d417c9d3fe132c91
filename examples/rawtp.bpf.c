// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A raw tracepoint and a tracepoint: system calls by number, in an array and an LRU hash.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define SYSCALLS 512

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SYSCALLS);
	__type(key, __u32);
	__type(value, __u64);
} entered SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 64);
	__type(key, __u64); /* process and thread */
	__type(value, __u64); /* last system call that failed */
} failed SEC(".maps");

/* As in the format file of the tracepoint raw_syscalls:sys_exit. */
struct sys_exit_context {
	__u64 common;
	long id;
	long ret;
};

SEC("raw_tp/sys_enter")
int enter(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 number = ctx->args[1];
	__u64 *calls = bpf_map_lookup_elem(&entered, &number);

	if (calls)
		__sync_fetch_and_add(calls, 1);
	return 0;
}

SEC("tracepoint/raw_syscalls/sys_exit")
int leave(struct sys_exit_context *ctx)
{
	__u64 thread = bpf_get_current_pid_tgid(), number = ctx->id;

	if (ctx->ret < 0)
		bpf_map_update_elem(&failed, &thread, &number, BPF_ANY);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
