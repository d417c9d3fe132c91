// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// One event per IPv4 packet through a ring buffer, and the first bytes of the packet through perf output.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct event {
	__be32 source;
	__be32 destination;
	__u32 length;
	__u8 protocol;
};

/* Keeps the type in the BTF, so that records can be shown by field. */
const struct event *unused_event __attribute__((unused));

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(int));
	__uint(value_size, sizeof(int));
} samples SEC(".maps");

SEC("xdp")
int report(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);
	struct event *event;
	__u32 length = data_end - data;

	if ((void *)(ip + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;

	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (event) {
		event->source = ip->saddr;
		event->destination = ip->daddr;
		event->length = length;
		event->protocol = ip->protocol;
		bpf_ringbuf_submit(event, 0);
	}
	/* The upper half of the flags asks for that many bytes of the packet behind the record. */
	bpf_perf_event_output(ctx, &samples, BPF_F_CURRENT_CPU | (__u64)ETH_HLEN << 32, &length, sizeof(length));
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
