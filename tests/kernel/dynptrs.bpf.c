// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Dynptrs: of memory, packets and ring buffers.
#include "kfuncs.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u8[64]);
	__uint(max_entries, 1);
} memory SEC(".maps");

SEC("tc")
int memory_dynptr(struct __sk_buff *ctx)
{
	struct bpf_dynptr ptr, clone;
	__u8 out[8] = {}, in[4] = { 1, 2, 3, 4 };
	__u32 key = 0;
	__u8 *value = bpf_map_lookup_elem(&memory, &key), *data;

	if (!value)
		return 1;
	SAY(bpf_dynptr_from_mem(value, 64, 1, &ptr));
	SAY(bpf_dynptr_is_null(&ptr));
	SAY(bpf_dynptr_size(&ptr));
	SAY(bpf_dynptr_from_mem(value, 64, 0, &ptr));
	SAY(bpf_dynptr_size(&ptr));
	SAY(bpf_dynptr_write(&ptr, 62, in, 4, 0));
	SAY(bpf_dynptr_write(&ptr, 60, in, 4, 0));
	SAY(bpf_dynptr_write(&ptr, 3, in, 4, 0));
	SAY(bpf_dynptr_write(&ptr, 3, in, 4, opaque(1)));
	SAY(bpf_dynptr_read(out, 8, &ptr, 57, 0));
	SAY(bpf_dynptr_read(out, 8, &ptr, 1, opaque(1)));
	SAY(bpf_dynptr_read(out, 8, &ptr, 1, 0));
	SAY(*(__u64 *)out);
	data = bpf_dynptr_data(&ptr, 61, 4);
	SAY(data != 0);
	data = bpf_dynptr_data(&ptr, 8, 8);
	if (data)
		data[7] = 9;
	SAY(bpf_dynptr_adjust(&ptr, 3, 2));
	SAY(bpf_dynptr_adjust(&ptr, 3, 65));
	SAY(bpf_dynptr_adjust(&ptr, 3, 50));
	SAY(bpf_dynptr_clone(&ptr, &clone));
	SAY(bpf_dynptr_adjust(&ptr, 40, 47));
	SAY(bpf_dynptr_size(&ptr));
	SAY(bpf_dynptr_size(&clone));
	SAY(bpf_dynptr_is_rdonly(&clone));
	SAY(bpf_dynptr_memset(&clone, 30, 5, 7));
	SAY(bpf_dynptr_memset(&clone, 30, 50, 7));
	SAY(bpf_dynptr_copy(&clone, 20, &clone, 28, 4));
	SAY(bpf_dynptr_copy(&clone, 2, &clone, 0, 4));
	SAY(bpf_dynptr_copy(&clone, 2, &ptr, 0, 8));
	data = bpf_dynptr_slice(&clone, 0, 0, 4);
	SAY(data ? data[1] : -1);
	return 0;
}

SEC("tc")
int skb_dynptr(struct __sk_buff *ctx)
{
	struct bpf_dynptr ptr;
	__u8 buffer[16], *data, out[4] = {};

	SAY(bpf_dynptr_from_skb(ctx, 1, &ptr));
	SAY(bpf_dynptr_from_skb(ctx, 0, &ptr));
	SAY(bpf_dynptr_size(&ptr));
	SAY(bpf_dynptr_is_rdonly(&ptr));
	data = bpf_dynptr_slice(&ptr, 12, buffer, 2);
	SAY(data ? data[0] << 8 | data[1] : -1);
	data = bpf_dynptr_slice(&ptr, 1000000, buffer, 2);
	SAY(data != 0);
	data = bpf_dynptr_slice_rdwr(&ptr, 2, buffer, 4);
	if (data)
		data[3] ^= 0x55;
	SAY(bpf_dynptr_write(&ptr, 0, out, 2, 0));
	SAY(bpf_dynptr_write(&ptr, 0, out, 2, opaque(1)));
	SAY(bpf_dynptr_write(&ptr, 0, out, 2, opaque(4)));
	SAY(bpf_dynptr_read(out, 4, &ptr, 2, 0));
	SAY(*(__u32 *)out);
	SAY(bpf_dynptr_adjust(&ptr, 6, 12));
	SAY(bpf_dynptr_read(out, 4, &ptr, 2, 0));
	SAY(*(__u32 *)out);
	SAY(bpf_dynptr_read(out, 4, &ptr, 3, 0));
	SAY(bpf_dynptr_data(&ptr, 0, 1) != 0);
	return 0;
}

SEC("xdp")
int xdp_dynptr(struct xdp_md *ctx)
{
	struct bpf_dynptr ptr;
	__u8 buffer[16], *data, out[4] = { 1, 2, 3, 4 };

	SAY(bpf_dynptr_from_xdp(ctx, 1, &ptr));
	SAY(bpf_dynptr_from_xdp(ctx, 0, &ptr));
	SAY(bpf_dynptr_size(&ptr));
	SAY(bpf_dynptr_is_rdonly(&ptr));
	SAY(bpf_dynptr_write(&ptr, 2, out, 4, 0));
	SAY(bpf_dynptr_write(&ptr, 2, out, 4, opaque(1)));
	data = bpf_dynptr_slice_rdwr(&ptr, 7, buffer, 4);
	if (data)
		data[0] = 0xee;
	SAY(bpf_dynptr_memset(&ptr, 0, 2, 0xab));
	SAY(bpf_dynptr_read(out, 4, &ptr, 5, 0));
	SAY(*(__u32 *)out);
	return XDP_PASS;
}

SEC("tc")
int ring_dynptr(struct __sk_buff *ctx)
{
	struct bpf_dynptr ptr;
	__u8 out[4] = { 5, 6, 7, 8 }, *data;

	SAY(bpf_ringbuf_reserve_dynptr(&ring, 24, opaque(1), &ptr));
	bpf_ringbuf_discard_dynptr(&ptr, 0);
	SAY(bpf_ringbuf_reserve_dynptr(&ring, 5000, 0, &ptr));
	SAY(bpf_dynptr_is_null(&ptr));
	bpf_ringbuf_submit_dynptr(&ptr, 0);
	SAY(bpf_ringbuf_reserve_dynptr(&ring, 24, 0, &ptr));
	SAY(bpf_dynptr_memset(&ptr, 0, 24, 1));
	SAY(bpf_dynptr_write(&ptr, 20, out, 4, 0));
	SAY(bpf_dynptr_size(&ptr));
	data = bpf_dynptr_data(&ptr, 0, 8);
	if (data)
		data[2] = 9;
	bpf_ringbuf_submit_dynptr(&ptr, 0);
	return 0;
}
