// SPDX-License-Identifier: MIT OR Apache-2.0
/* What a loader and a kernel fill in. */
#include "common.h"
#include <stdbool.h>

extern int LINUX_KERNEL_VERSION __kconfig;
extern bool LINUX_HAS_BPF_COOKIE __kconfig __weak;
extern bool CONFIG_BPF __kconfig;
extern enum libbpf_tristate CONFIG_NET_CLS_BPF __kconfig __weak;
extern char CONFIG_BPF_SYSCALL __kconfig __weak;
extern __u32 CONFIG_HZ __kconfig;
extern __u64 CONFIG_NOT_THERE __kconfig __weak;
extern char CONFIG_DEFAULT_HOSTNAME[12] __kconfig __weak;
extern const void init_task __ksym;
extern const void not_in_any_kernel __ksym __weak;

SEC("raw_tp/sys_enter") int read_them(void *ctx)
{
	long sum = LINUX_KERNEL_VERSION + LINUX_HAS_BPF_COOKIE + CONFIG_BPF + CONFIG_NET_CLS_BPF;

	sum += CONFIG_BPF_SYSCALL + CONFIG_HZ + CONFIG_NOT_THERE + CONFIG_DEFAULT_HOSTNAME[1];
	sum += (long)&init_task;
	if (&not_in_any_kernel)
		sum++;
	return sum;
}
LICENSE;
