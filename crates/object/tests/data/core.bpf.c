// SPDX-License-Identifier: MIT OR Apache-2.0
/* CO-RE relocations in an entry function and in a subprogram, one that fails. */
#include "common.h"
#include <bpf/bpf_core_read.h>

struct list_head { struct list_head *next, *prev; } __attribute__((preserve_access_index));
struct task_struct { int pid, tgid; struct task_struct *real_parent; char comm[16]; }
	__attribute__((preserve_access_index));
struct task_struct___gone { int no_such_field; } __attribute__((preserve_access_index));

static __attribute__((noinline)) int parent(struct task_struct *task)
{
	return BPF_CORE_READ(task, real_parent, tgid);
}
SEC("raw_tp/sched_switch") int on_switch(__u64 *ctx)
{
	struct task_struct *task = (void *)ctx[1];
	struct task_struct___gone *gone = (void *)task;
	int sum = parent(task) + BPF_CORE_READ(task, pid) + bpf_core_type_size(struct list_head);

	if (bpf_core_field_exists(gone->no_such_field))
		sum += BPF_CORE_READ(gone, no_such_field);
	return sum + bpf_core_type_exists(struct task_struct___gone);
}
LICENSE;
