// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// CO-RE with minimal types of our own: offsets, sizes, bit fields, enumerators and questions about another kernel.
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define shaped_by_target __attribute__((preserve_access_index))

struct task_struct {
	int pid;
	int tgid;
	char comm[16];
	struct task_struct *real_parent;
	unsigned int sched_reset_on_fork : 1;
} shaped_by_target;

/* The field before 5.14 and after: only one of the two exists in a kernel. */
struct task_struct___old {
	long state;
} shaped_by_target;

struct task_struct___new {
	unsigned int __state;
} shaped_by_target;

struct no_such_type {
	int field;
} shaped_by_target;

/* As in the kernel, where the values differ from these. */
enum pid_type {
	PIDTYPE_PID = 70,
	PIDTYPE_TGID = 71,
	PIDTYPE_NONSENSE = 72,
};

struct seen {
	int pid;
	int parent;
	__u64 state;
	__u64 task_bytes;
	__u64 tgid_kind;
	__u8 reset_on_fork;
	__u8 nonsense_exists;
	__u8 missing_type_exists;
	char comm[16];
};

struct seen last = {};

SEC("raw_tp/sched_switch")
int on_switch(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (void *)ctx->args[1];
	struct task_struct___old *old = (void *)task;
	struct task_struct___new *new = (void *)task;

	last.pid = BPF_CORE_READ(task, pid);
	last.parent = BPF_CORE_READ(task, real_parent, tgid);
	bpf_core_read_str(last.comm, sizeof(last.comm), &task->comm);
	if (bpf_core_field_exists(new->__state))
		last.state = BPF_CORE_READ(new, __state);
	else
		last.state = BPF_CORE_READ(old, state);
	last.reset_on_fork = BPF_CORE_READ_BITFIELD_PROBED(task, sched_reset_on_fork);
	last.task_bytes = bpf_core_type_size(struct task_struct);
	last.tgid_kind = bpf_core_enum_value(enum pid_type, PIDTYPE_TGID);
	last.nonsense_exists = bpf_core_enum_value_exists(enum pid_type, PIDTYPE_NONSENSE);
	last.missing_type_exists = bpf_core_type_exists(struct no_such_type);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
