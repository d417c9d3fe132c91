// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Says hello for every packet and counts packets: in a global, and by EtherType in a map.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

int counter = 0;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32); /* EtherType */
	__type(value, __u64); /* packets */
} protocols SEC(".maps");

SEC("xdp")
int hello(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	__u64 one = 1, *packets;
	__u32 protocol;

	counter++;
	bpf_printk("Hello World %d", counter);

	if (data + sizeof(*eth) > data_end)
		return XDP_DROP;
	protocol = bpf_ntohs(eth->h_proto);

	packets = bpf_map_lookup_elem(&protocols, &protocol);
	if (packets)
		__sync_fetch_and_add(packets, 1);
	else
		bpf_map_update_elem(&protocols, &protocol, &one, BPF_ANY);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
