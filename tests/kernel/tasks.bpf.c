// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Tasks and control groups: what holds whatever task it is and wherever it is.
#include "kfuncs.h"

struct kernfs_node { __u64 id; } __attribute__((preserve_access_index));
struct cgroup;
struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
} __attribute__((preserve_access_index));
struct cgroup {
	struct cgroup_subsys_state self;
	int level;
	struct kernfs_node *kn;
} __attribute__((preserve_access_index));
struct css_set { struct cgroup *dfl_cgrp; } __attribute__((preserve_access_index));
struct task_struct {
	int pid, tgid;
	struct css_set *cgroups;
	struct task_struct *group_leader;
} __attribute__((preserve_access_index));

enum pid_type { PIDTYPE_PID, PIDTYPE_TGID, PIDTYPE_PGID, PIDTYPE_SID, PIDTYPE_MAX };

struct bpf_iter_task { __u64 __opaque[3]; } __attribute__((aligned(8)));
struct bpf_iter_css { __u64 __opaque[3]; } __attribute__((aligned(8)));
struct bpf_iter_css_task { __u64 __opaque[1]; } __attribute__((aligned(8)));
struct bpf_iter_kmem_cache { __u64 __opaque[1]; } __attribute__((aligned(8)));

extern struct task_struct *bpf_task_acquire(struct task_struct *task) __ksym;
extern void bpf_task_release(struct task_struct *task) __ksym;
extern struct task_struct *bpf_task_from_pid(int pid) __ksym;
extern struct task_struct *bpf_task_from_vpid(int pid) __ksym;
extern long bpf_task_under_cgroup(struct task_struct *task, struct cgroup *ancestor) __ksym;
extern struct cgroup *bpf_task_get_cgroup1(struct task_struct *task, int hierarchy) __ksym;
extern int bpf_send_signal_task(struct task_struct *task, int signal, enum pid_type type, __u64 value) __ksym;
extern struct cgroup *bpf_cgroup_acquire(struct cgroup *group) __ksym;
extern void bpf_cgroup_release(struct cgroup *group) __ksym;
extern struct cgroup *bpf_cgroup_ancestor(struct cgroup *group, int level) __ksym;
extern struct cgroup *bpf_cgroup_from_id(__u64 id) __ksym;
extern int bpf_iter_task_new(struct bpf_iter_task *it, struct task_struct *task, unsigned int flags) __ksym;
extern struct task_struct *bpf_iter_task_next(struct bpf_iter_task *it) __ksym;
extern void bpf_iter_task_destroy(struct bpf_iter_task *it) __ksym;
extern int bpf_iter_css_new(struct bpf_iter_css *it, struct cgroup_subsys_state *start, unsigned int flags) __ksym;
extern struct cgroup_subsys_state *bpf_iter_css_next(struct bpf_iter_css *it) __ksym;
extern void bpf_iter_css_destroy(struct bpf_iter_css *it) __ksym;

SEC("syscall")
int current(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf(), *more;
	__u64 id = bpf_get_current_pid_tgid();

	SAY(task->pid == (__u32)id);
	SAY(task->tgid == id >> 32);
	more = bpf_task_acquire(task);
	SAY(more == task);
	if (more)
		bpf_task_release(more);
	more = bpf_task_from_pid((__u32)id);
	SAY(more == task);
	if (more) {
		SAY(more->pid == task->pid);
		bpf_task_release(more);
	}
	return 0;
}

SEC("syscall")
int absent(void *ctx)
{
	struct task_struct *task;

	task = bpf_task_from_pid(-1);
	SAY(task != 0);
	if (task)
		bpf_task_release(task);
	task = bpf_task_from_pid(0x7ffffffe);
	SAY(task != 0);
	if (task)
		bpf_task_release(task);
	task = bpf_task_from_vpid(-7);
	SAY(task != 0);
	if (task)
		bpf_task_release(task);
	return 0;
}

SEC("syscall")
int signals(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();

	SAY(bpf_send_signal_task(task, 0, 2, 0));
	SAY(bpf_send_signal_task(task, 0, 3, 0));
	SAY(bpf_send_signal_task(task, 65, 0, 0));
	return 0;
}

SEC("syscall")
int groups(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct cgroup *own = bpf_cgroup_from_id(bpf_get_current_cgroup_id()), *other;
	int level;

	SAY(own != 0);
	if (!own)
		return 1;
	level = own->level;
	SAY(own->kn->id == bpf_get_current_cgroup_id());
	SAY(bpf_task_under_cgroup(task, own));
	other = bpf_cgroup_acquire(own);
	SAY(other == own);
	if (other)
		bpf_cgroup_release(other);
	other = bpf_cgroup_ancestor(own, level);
	SAY(other == own);
	if (other)
		bpf_cgroup_release(other);
	other = bpf_cgroup_ancestor(own, level + 1);
	SAY(other != 0);
	if (other)
		bpf_cgroup_release(other);
	other = bpf_cgroup_ancestor(own, -1);
	SAY(other != 0);
	if (other)
		bpf_cgroup_release(other);
	other = bpf_cgroup_ancestor(own, 0);
	SAY(other != 0);
	if (other) {
		SAY(other->level);
		SAY(other->kn->id == bpf_get_current_ancestor_cgroup_id(0));
		SAY(bpf_task_under_cgroup(task, other));
		bpf_cgroup_release(other);
	}
	other = bpf_cgroup_from_id(0x7ffffffffffff);
	SAY(other != 0);
	if (other)
		bpf_cgroup_release(other);
	other = bpf_task_get_cgroup1(task, 77);
	SAY(other != 0);
	if (other)
		bpf_cgroup_release(other);
	bpf_cgroup_release(own);
	return 0;
}

static __always_inline int finds_current(unsigned int flags, struct task_struct *of)
{
	struct task_struct *task;
	struct bpf_iter_task it;
	int pid = bpf_get_current_pid_tgid(), found = 0, error;

	error = bpf_iter_task_new(&it, of, flags);
	while ((task = bpf_iter_task_next(&it)))
		if (task->pid == pid)
			found++;
	bpf_iter_task_destroy(&it);
	return error ? error : found;
}

SEC("syscall")
int task_iterators(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();

	bpf_rcu_read_lock();
	SAY(finds_current(1, 0));
	SAY(finds_current(2, task));
	SAY(finds_current(2, 0));
	SAY(finds_current(3, task));
	bpf_rcu_read_unlock();
	return 0;
}

// The place of a group among those an iterator gives, from 1; behind it, what a wrong start gives.
static __always_inline int place_of(struct cgroup *start, struct cgroup *wanted, unsigned int flags)
{
	struct cgroup_subsys_state *found;
	struct bpf_iter_css it;
	int at = 0, place = 0, error;

	error = bpf_iter_css_new(&it, &start->self, flags);
	while ((found = bpf_iter_css_next(&it))) {
		at++;
		if (found->cgroup == wanted)
			place = at;
	}
	bpf_iter_css_destroy(&it);
	return error ? error : place;
}

SEC("syscall")
int group_iterators(void *ctx)
{
	struct cgroup *own = bpf_cgroup_from_id(bpf_get_current_cgroup_id()), *root;

	if (!own)
		return 1;
	root = bpf_cgroup_ancestor(own, 0);
	if (root) {
		bpf_rcu_read_lock();
		SAY(place_of(root, root, 2));
		SAY(place_of(own, own, 4));
		SAY(place_of(own, root, 4) == own->level + 1);
		SAY(place_of(own, own, 2));
		SAY(place_of(own, own, 1));
		SAY(place_of(own, own, 7));
		SAY(place_of(root, own, 3) > 0);
		bpf_rcu_read_unlock();
		bpf_cgroup_release(root);
	}
	bpf_cgroup_release(own);
	return 0;
}
