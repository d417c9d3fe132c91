// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Looks at what a function is given that the shipped kernel types do not name.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("fentry/filp_open")
int opened(volatile __u64 *arguments)
{
	return arguments[0] ? 0 : 0;
}

char _license[] SEC("license") = "Dual MIT/GPL";
