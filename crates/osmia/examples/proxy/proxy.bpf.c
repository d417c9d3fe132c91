// SPDX-License-Identifier: MIT OR Apache-2.0
// Which requests a proxy lets through. A request is a command of four letters and what it is about.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct refusal {
	char command[4];
	__u32 bytes;
};

/* Commands that do not pass, set by the application while requests come in. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, char[4]);
	__type(value, __u8);
	__uint(max_entries, 64);
} forbidden SEC(".maps");

/* Every refusal is told. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} refusals SEC(".maps");

SEC("xdp")
int requests(struct xdp_md *ctx)
{
	char *data = (char *)(long)ctx->data;
	char *end = (char *)(long)ctx->data_end;
	struct refusal *refusal;
	char command[4];

	if (data + 4 > end)
		return XDP_DROP;
	/* Commands are capital letters behind the proxy. */
#pragma unroll
	for (int i = 0; i < 4; i++) {
		if (data[i] >= 'a' && data[i] <= 'z')
			data[i] -= 'a' - 'A';
		command[i] = data[i];
	}
	if (!bpf_map_lookup_elem(&forbidden, command))
		return XDP_PASS;
	refusal = bpf_ringbuf_reserve(&refusals, sizeof(*refusal), 0);
	if (refusal) {
		__builtin_memcpy(refusal->command, command, sizeof(command));
		refusal->bytes = end - data;
		bpf_ringbuf_submit(refusal, 0);
	}
	return XDP_DROP;
}

char _license[] SEC("license") = "Dual MIT/GPL";
