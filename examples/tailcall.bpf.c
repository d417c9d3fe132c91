// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A parser in pieces: the entry jumps to one program per protocol through a program array filled in its definition.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum { STAGE_ICMP, STAGE_TCP, STAGE_UDP, STAGES };

__u64 seen[STAGES];

int on_icmp(struct xdp_md *ctx);
int on_tcp(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, STAGES);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} stages SEC(".maps") = {
	.values = {
		[STAGE_ICMP] = (void *)&on_icmp,
		[STAGE_TCP] = (void *)&on_tcp,
		/* UDP stays empty: the jump fails and the entry goes on. */
	},
};

SEC("xdp")
int on_icmp(struct xdp_md *ctx)
{
	seen[STAGE_ICMP]++;
	return XDP_TX;
}

SEC("xdp")
int on_tcp(struct xdp_md *ctx)
{
	seen[STAGE_TCP]++;
	return XDP_PASS;
}

SEC("xdp")
int entry(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);

	if ((void *)(ip + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	switch (ip->protocol) {
	case IPPROTO_ICMP:
		bpf_tail_call(ctx, &stages, STAGE_ICMP);
		break;
	case IPPROTO_TCP:
		bpf_tail_call(ctx, &stages, STAGE_TCP);
		break;
	case IPPROTO_UDP:
		bpf_tail_call(ctx, &stages, STAGE_UDP);
		seen[STAGE_UDP]++;
		break;
	}
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
