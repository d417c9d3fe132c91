// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Types of a small kernel that does not exist, so that examples/trace-*.toml give the same everywhere:
// `--btf examples/kernel.bpf.o`. Functions are here for their prototypes.

typedef unsigned int __u32;
typedef struct { __u32 val; } kuid_t;
typedef struct { __u32 val; } kgid_t;

struct cred {
	kuid_t uid;
	kgid_t gid;
	kuid_t euid;
};

struct task_struct {
	unsigned long flags;
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	const struct cred *real_cred;
	const struct cred *cred;
	char comm[16];
};

struct qstr {
	__u32 hash;
	__u32 len;
	const unsigned char *name;
};

struct inode {
	unsigned short i_mode;
	unsigned long i_ino;
};

struct dentry {
	unsigned int d_flags;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
};

struct vfsmount;

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	unsigned int f_mode;
	unsigned int f_flags;
	struct path f_path;
	struct inode *f_inode;
	void *private_data;
};

struct vm_area_struct {
	unsigned long vm_start;
	unsigned long vm_end;
};

struct socket {
	short type;
};

struct linux_binprm {
	unsigned int point_of_no_return : 1, secureexec : 1;
	const char *filename;
};

struct filename {
	const char *name;
	const char *uptr;
};

struct seq_file {
	char *buf;
	unsigned long size;
};

struct bpf_iter_meta {
	struct seq_file *seq;
	unsigned long long session_id;
	unsigned long long seq_num;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct trace_entry {
	unsigned short type;
	unsigned char flags;
	unsigned char preempt_count;
	int pid;
};

struct trace_event_raw_sched_process_exec {
	struct trace_entry ent;
	__u32 __data_loc_filename;
	int pid;
	int old_pid;
};

struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8;
	unsigned long ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
};

/* The compiler describes in full only what is defined. */
struct everything {
	struct task_struct task;
	struct cred cred;
	struct dentry dentry;
	struct inode inode;
	struct file file;
	struct filename filename;
	struct seq_file seq_file;
	struct bpf_iter_meta meta;
	struct bpf_iter__task iterator;
	struct trace_event_raw_sched_process_exec record;
	struct pt_regs registers;
	struct vm_area_struct area;
	struct socket socket;
	struct linux_binprm executed;
} everything;

long do_unlinkat(int dfd, struct filename *name)
{
	return 0;
}

int bpf_lsm_file_open(struct file *file)
{
	return 0;
}

int bpf_lsm_bprm_creds_for_exec(struct linux_binprm *bprm)
{
	return 0;
}

long vfs_read(struct file *file, char *buf, unsigned long count, long long *pos)
{
	return 0;
}

void bpf_iter_task(struct bpf_iter_meta *meta, struct task_struct *task)
{
}

int __traceiter_sched_process_exec(void *__data, struct task_struct *p, int old_pid)
{
	return 0;
}
