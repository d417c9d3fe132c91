// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Says hello to every program that a command runs: osmia run examples/hello_exec.bpf.o -- sh -c 'ls | wc -l'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* As in the format file of the tracepoint syscalls:sys_enter_execve. */
struct execve_context {
	__u64 common;
	long id;
	const char *filename;
	const char *const *argv;
	const char *const *envp;
};

SEC("tracepoint/syscalls/sys_enter_execve")
int hello(struct execve_context *ctx)
{
	char comm[16], filename[64];

	bpf_get_current_comm(comm, sizeof(comm));
	bpf_probe_read_user_str(filename, sizeof(filename), ctx->filename);
	bpf_printk("hello, %s: %s runs it", filename, comm);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
