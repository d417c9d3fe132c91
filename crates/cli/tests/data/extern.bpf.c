// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Asks the kernel's configuration for a pair of numbers, which it does not have.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct pair {
	int first, second;
};

extern struct pair CONFIG_PAIR __kconfig;

SEC("xdp")
int paired(struct xdp_md *ctx)
{
	return CONFIG_PAIR.first + CONFIG_PAIR.second;
}

char _license[] SEC("license") = "Dual MIT/GPL";
