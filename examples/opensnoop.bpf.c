// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Files that a command opens, with what came of it: osmia run examples/opensnoop.bpf.o --record events=event -- ls
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define NAME_BYTES 128

struct enter_context {
	__u64 common;
	long id;
	long dfd;
	const char *filename;
	long flags;
	long mode;
};

struct exit_context {
	__u64 common;
	long id;
	long ret;
};

struct event {
	__u32 pid;
	__s32 ret; /* a descriptor, or an error number below 0 */
	__u32 flags;
	char comm[16];
	char filename[NAME_BYTES];
};

const struct event *unused_event __attribute__((unused)); /* keeps the type */

struct opening {
	const char *filename;
	__u32 flags;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64); /* process and thread */
	__type(value, struct opening);
} openings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} events SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_openat")
int opens(struct enter_context *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct opening opening = {.filename = ctx->filename, .flags = ctx->flags};

	bpf_map_update_elem(&openings, &id, &opening, BPF_ANY);
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_openat")
int opened(struct exit_context *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct opening *opening = bpf_map_lookup_elem(&openings, &id);
	struct event *event;

	if (!opening)
		return 0;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (event) {
		event->pid = id >> 32;
		event->ret = ctx->ret;
		event->flags = opening->flags;
		bpf_get_current_comm(event->comm, sizeof(event->comm));
		bpf_probe_read_user_str(event->filename, sizeof(event->filename), opening->filename);
		bpf_ringbuf_submit(event, 0);
	}
	bpf_map_delete_elem(&openings, &id);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
