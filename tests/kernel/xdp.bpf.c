// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// XDP helpers: moving head, tail and metadata, reading and writing bytes, and the codes they return.
#include "results.h"

SEC("xdp")
int context(struct xdp_md *ctx)
{
	SAY(ctx->data_end - ctx->data);
	SAY(ctx->data - ctx->data_meta);
	SAY(ctx->ingress_ifindex);
	SAY(ctx->rx_queue_index);
	SAY(bpf_get_smp_processor_id());
	SAY(bpf_xdp_get_buff_len(ctx));
	return ctx->data_end - ctx->data;
}

SEC("xdp")
int head(struct xdp_md *ctx)
{
	SAY(bpf_xdp_adjust_head(ctx, 100000));
	SAY(bpf_xdp_adjust_head(ctx, -100000));
	SAY(bpf_xdp_adjust_head(ctx, -217));
	SAY(bpf_xdp_adjust_head(ctx, -216));
	SAY(ctx->data_end - ctx->data);
	SAY(bpf_xdp_adjust_head(ctx, 216));
	SAY(bpf_xdp_adjust_head(ctx, 1));
	SAY(bpf_xdp_adjust_head(ctx, 4));
	SAY(bpf_xdp_adjust_head(ctx, 40));
	SAY(bpf_xdp_adjust_head(ctx, -8));
	SAY(ctx->data_end - ctx->data);
	return XDP_TX;
}

SEC("xdp")
int tail(struct xdp_md *ctx)
{
	SAY(bpf_xdp_adjust_tail(ctx, 100000));
	SAY(bpf_xdp_adjust_tail(ctx, -100000));
	SAY(bpf_xdp_adjust_tail(ctx, 4000));
	SAY(bpf_xdp_adjust_tail(ctx, 2000));
	SAY(ctx->data_end - ctx->data);
	SAY(bpf_xdp_adjust_tail(ctx, 100));
	SAY(ctx->data_end - ctx->data);
	SAY(bpf_xdp_adjust_tail(ctx, -120));
	SAY(bpf_xdp_adjust_tail(ctx, -30));
	SAY(bpf_xdp_adjust_tail(ctx, 7));
	SAY(ctx->data_end - ctx->data);
	return XDP_PASS;
}

/* To the last byte the buffer has room for. */
SEC("xdp")
int tail_room(struct xdp_md *ctx)
{
	int len = ctx->data_end - ctx->data;

	SAY(bpf_xdp_adjust_tail(ctx, 3521 - len));
	SAY(bpf_xdp_adjust_tail(ctx, 3520 - len));
	SAY(ctx->data_end - ctx->data);
	SAY(bpf_xdp_adjust_tail(ctx, 1));
	SAY(bpf_xdp_adjust_head(ctx, 10));
	SAY(bpf_xdp_adjust_tail(ctx, 1));
	return XDP_DROP;
}

SEC("xdp")
int meta(struct xdp_md *ctx)
{
	__u32 *word, value;

	SAY(bpf_xdp_adjust_meta(ctx, 4));
	SAY(bpf_xdp_adjust_meta(ctx, -3));
	SAY(bpf_xdp_adjust_meta(ctx, -256));
	SAY(bpf_xdp_adjust_meta(ctx, -252));
	SAY(ctx->data - ctx->data_meta);
	SAY(bpf_xdp_adjust_meta(ctx, 248));
	SAY(ctx->data - ctx->data_meta);
	word = (void *)(long)ctx->data_meta;
	if ((void *)(word + 1) > (void *)(long)ctx->data)
		return XDP_ABORTED;
	*word = 0x600df00d;
	SAY(bpf_xdp_adjust_head(ctx, -16));
	word = (void *)(long)ctx->data_meta;
	if ((void *)(word + 1) > (void *)(long)ctx->data)
		return XDP_ABORTED;
	value = *word;
	SAY(value);
	SAY(bpf_xdp_adjust_head(ctx, -220));
	SAY(bpf_xdp_adjust_meta(ctx, -4));
	SAY(ctx->data - ctx->data_meta);
	SAY(ctx->data_end - ctx->data);
	return XDP_PASS;
}

SEC("xdp")
int bytes(struct xdp_md *ctx)
{
	__u8 buffer[16] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	__u64 word = 0x1122334455667788;
	__u32 len = ctx->data_end - ctx->data;

	SAY(bpf_xdp_load_bytes(ctx, 12, buffer, 2));
	SAY(*(__u64 *)buffer);
	SAY(bpf_xdp_load_bytes(ctx, len - 8, &word, 8));
	SAY(word);
	word = 0x99;
	SAY(bpf_xdp_load_bytes(ctx, len - 7, &word, 8));
	SAY(word);
	SAY(bpf_xdp_load_bytes(ctx, 0x10000, &word, 8));
	SAY(bpf_xdp_load_bytes(ctx, 0xfffffff0, &word, 8));
	SAY(word);
	word = 0xaabbccddeeff0011;
	SAY(bpf_xdp_store_bytes(ctx, 0, &word, 8));
	SAY(bpf_xdp_store_bytes(ctx, len - 4, &word, 4));
	SAY(bpf_xdp_store_bytes(ctx, len - 3, &word, 4));
	SAY(bpf_xdp_store_bytes(ctx, 0x12345, &word, 4));
	return XDP_PASS;
}

SEC("xdp")
int redirects(struct xdp_md *ctx)
{
	SAY(bpf_redirect(1, 0));
	SAY(bpf_redirect(1, 1));
	SAY(bpf_redirect(77777, 0));
	return bpf_redirect(opaque(1), opaque(4));
}

/* What no driver knows is returned as it is. */
SEC("xdp")
int unknown_code(struct xdp_md *ctx)
{
	return 0x7fff0000 + (ctx->data_end - ctx->data);
}

/* Swaps the addresses by direct access, as every XDP program does. */
SEC("xdp")
int swap(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u16 *half = data, saved;

	if (data + 14 > end)
		return XDP_ABORTED;
	for (int i = 0; i < 3; i++) {
		saved = half[i];
		half[i] = half[i + 3];
		half[i + 3] = saved;
	}
	return half[6] == 8 ? XDP_TX : XDP_PASS;
}
