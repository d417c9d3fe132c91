// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Records sent to listeners: ring buffers full and not, samples with bytes of the packet.
#include <linux/pkt_cls.h>
#include "results.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} samples SEC(".maps");

/* Never more than the buffer holds: what happens then depends on who reads. */
SEC("xdp")
int ring_records(struct xdp_md *ctx)
{
	__u64 record[2] = { ctx->data_end - ctx->data, 7 }, *reserved;

	SAY(bpf_ringbuf_query(&ring, BPF_RB_RING_SIZE));
	SAY(bpf_ringbuf_query(&ring, opaque(9)));
	SAY(bpf_ringbuf_output(&ring, record, 16, 0));
	SAY(bpf_ringbuf_output(&ring, record, 16, opaque(8)));
	reserved = bpf_ringbuf_reserve(&ring, 8, 0);
	SAY(reserved != 0);
	if (reserved) {
		*reserved = ctx->data_end - ctx->data;
		if (*reserved & 1)
			bpf_ringbuf_submit(reserved, BPF_RB_NO_WAKEUP);
		else
			bpf_ringbuf_discard(reserved, 0);
	}
	reserved = bpf_ringbuf_reserve(&ring, 4096, 0);
	SAY(reserved != 0);
	if (reserved)
		bpf_ringbuf_discard(reserved, 0);
	return 0;
}

/* Positions move on although nobody reads, until nothing fits. */
SEC("xdp")
int ring_fills(struct xdp_md *ctx)
{
	__u8 record[100] = { 1 };

	SAY(bpf_ringbuf_output(&ring, record, 100, 0));
	SAY(bpf_ringbuf_output(&ring, record, 99, BPF_RB_NO_WAKEUP));
	return 0;
}

SEC("xdp")
int xdp_samples(struct xdp_md *ctx)
{
	__u32 head = 0xfeedbeef;
	__u64 len = ctx->data_end - ctx->data;

	SAY(bpf_perf_event_output(ctx, &samples, BPF_F_CURRENT_CPU, &head, 4));
	SAY(bpf_perf_event_output(ctx, &samples, BPF_F_CURRENT_CPU | (len & 0x1f) << 32, &head, 4));
	SAY(bpf_perf_event_output(ctx, &samples, BPF_F_CURRENT_CPU | (len + 1) << 32, &head, 4));
	SAY(bpf_perf_event_output(ctx, &samples, opaque(1ull << 60), &head, 4));
	SAY(bpf_perf_event_output(ctx, &samples, opaque(100000), &head, 4));
	return 0;
}

SEC("tc")
int tc_samples(struct __sk_buff *skb)
{
	__u64 head[2] = { skb->len, skb->protocol };

	SAY(bpf_perf_event_output(skb, &samples, BPF_F_CURRENT_CPU | 14ull << 32, head, 16));
	SAY(bpf_perf_event_output(skb, &samples, BPF_F_CURRENT_CPU | (skb->len + 1ull) << 32, head, 16));
	return TC_ACT_OK;
}
