// SPDX-License-Identifier: MIT OR Apache-2.0
/* Kernel variables and functions by type. */
#include "common.h"

struct task_struct { int pid; };
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym __weak;
extern void bpf_task_release(struct task_struct *p) __ksym;
extern void bpf_not_a_kfunc(int x) __ksym __weak;
extern const int bpf_prog_active __ksym __weak;
struct rq { int cpu; };
extern const struct rq runqueues __ksym __weak;

SEC("tp_btf/task_newtask") int acquire(__u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0], *mine;

	if (!bpf_task_acquire)
		return 0;
	mine = bpf_task_acquire(task);
	if (!mine)
		return 0;
	if (bpf_not_a_kfunc)
		bpf_not_a_kfunc(1);
	bpf_task_release(mine);
	return &bpf_prog_active ? 1 : &runqueues ? 2 : 3;
}
LICENSE;
