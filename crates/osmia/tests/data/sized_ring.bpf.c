// A ring buffer with a value type, which Linux refuses. Rebuild from the repository root:
// clang-19 -target bpf -O2 -g -mcpu=v3 -fdebug-prefix-map=$PWD=. -I/usr/include/x86_64-linux-gnu -c crates/osmia/tests/data/sized_ring.bpf.c -o crates/osmia/tests/data/sized_ring.bpf.o
// llvm-strip-19 -g crates/osmia/tests/data/sized_ring.bpf.o
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct sample {
	__u32 length;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
	__type(value, struct sample);
} samples SEC(".maps");

SEC("xdp")
int lengths(struct xdp_md *ctx)
{
	struct sample *sample = bpf_ringbuf_reserve(&samples, sizeof(*sample), 0);

	if (sample) {
		sample->length = ctx->data_end - ctx->data;
		bpf_ringbuf_submit(sample, 0);
	}
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
