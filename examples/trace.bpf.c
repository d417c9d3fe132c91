// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Programs that look at tasks, files and arguments, for descriptions: examples/trace-*.toml.
// The structures are cut down to what is read; CO-RE finds the members in the kernel they run on.

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct qstr {
	const unsigned char *name;
};
struct dentry {
	struct qstr d_name;
	struct dentry *d_parent;
};
struct path {
	struct dentry *dentry;
};
struct file {
	unsigned int f_flags;
	struct path f_path;
};
struct socket {
	short type;
};
struct vm_area_struct {
	unsigned long vm_start;
	unsigned long vm_end;
};
struct linux_binprm {
	unsigned int secureexec : 1;
};
struct filename {
	const char *uptr;
};
struct task_struct {
	int pid;
	int tgid;
	char comm[16];
	struct task_struct *real_parent;
};
struct trace_event_raw_sched_process_exec {
	unsigned int __data_loc_filename;
	int pid;
	int old_pid;
};
struct seq_file;
struct bpf_iter_meta {
	struct seq_file *seq;
	unsigned long long session_id;
	unsigned long long seq_num;
};
struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};
struct pt_regs {
	unsigned long di;
	unsigned long si;
	unsigned long ax;
	unsigned long ip;
};
#pragma clang attribute pop

struct bpf_perf_event_data;

struct event {
	int pid;
	int parent;
	char comm[16];
	char name[32];
};
const struct event *unused __attribute__((unused));

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

/* Who unlinks what: the name lies in the process' memory. */
SEC("kprobe/do_unlinkat")
int unlinked(struct pt_regs *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct filename *name = (void *)ctx->si;
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event)
		return 0;
	event->pid = bpf_get_current_pid_tgid() >> 32;
	event->parent = BPF_CORE_READ(task, real_parent, tgid);
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	bpf_probe_read_user_str(event->name, sizeof(event->name), BPF_CORE_READ(name, uptr));
	bpf_ringbuf_submit(event, 0);
	return 0;
}

/* A record whose file name has a varying length. */
SEC("tracepoint/sched/sched_process_exec")
int executed(struct trace_event_raw_sched_process_exec *ctx)
{
	char name[32];

	bpf_probe_read_str(name, sizeof(name), (void *)ctx + (ctx->__data_loc_filename & 0xffff));
	bpf_printk("%d runs %s", ctx->pid, name);
	return 0;
}

/* Forbids opening what lies below /secret. */
SEC("lsm/file_open")
int BPF_PROG(opened, struct file *file, int ret)
{
	struct dentry *dentry = file->f_path.dentry;
	int depth;

	for (depth = 0; depth < 8; depth++) {
		struct dentry *parent = dentry->d_parent;
		char name[8];

		if (!parent || parent == dentry)
			break;
		bpf_probe_read_kernel_str(name, sizeof(name), dentry->d_name.name);
		if (__builtin_memcmp(name, "secret", 7) == 0)
			return -13;
		dentry = parent;
	}
	return ret;
}

static long area(struct task_struct *task, struct vm_area_struct *vma, void *data)
{
	bpf_printk("in %lx-%lx", vma->vm_start, vma->vm_end);
	return 0;
}

/* Where the file is, whether it is a socket, and from where the process asked for it. */
SEC("lsm/file_open")
int BPF_PROG(asked, struct file *file)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	struct socket *socket = bpf_sock_from_file(file);
	char path[64];
	long len = bpf_d_path(&file->f_path, path, sizeof(path));

	bpf_printk("%s, %ld bytes, from %lx", path, len, regs->ip);
	if (socket)
		bpf_printk("socket of type %d", socket->type);
	if (bpf_find_vma(task, regs->ip, area, &len, 0))
		bpf_printk("in no area");
	return 0;
}

/* The new program is not to trust its environment. */
SEC("lsm/bprm_creds_for_exec")
int BPF_PROG(distrusted, struct linux_binprm *bprm)
{
	long refused = bpf_bprm_opts_set(bprm, 2);

	bpf_bprm_opts_set(bprm, 1);
	bpf_printk("%ld, %d", refused, BPF_CORE_READ_BITFIELD(bprm, secureexec));
	return 0;
}

/* What a function returned. */
SEC("fexit/vfs_read")
int BPF_PROG(read, struct file *file, char *buf, unsigned long count, long long *pos, long ret)
{
	bpf_printk("asked for %lu of %s, got %ld", count, file->f_path.dentry->d_name.name, ret);
	return 0;
}

/* A line for each task. */
SEC("iter/task")
int tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;

	if (!task)
		return 0;
	if (ctx->meta->seq_num == 0)
		BPF_SEQ_PRINTF(ctx->meta->seq, "  PID COMM\n");
	BPF_SEQ_PRINTF(ctx->meta->seq, "%5d %s\n", task->pid, task->comm);
	return 0;
}

/* How much was counted, and in how much of the time. */
SEC("perf_event")
int counted(struct bpf_perf_event_data *ctx)
{
	struct bpf_perf_event_value value;
	long failed = bpf_perf_prog_read_value((void *)ctx, &value, sizeof(value));

	bpf_printk("%ld: %llu in %llu ns", failed, value.counter, value.running);
	return 0;
}

char _license[] SEC("license") = "Dual MIT/GPL";
