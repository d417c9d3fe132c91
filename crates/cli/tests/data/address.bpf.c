// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Returns an address, which differs from engine to engine.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("tc")
int address(struct __sk_buff *skb)
{
	return (long)skb;
}

char _license[] SEC("license") = "Dual MIT/GPL";
