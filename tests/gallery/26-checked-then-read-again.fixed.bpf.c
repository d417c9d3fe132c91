// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A number is checked, and read again where it is used. Mended.
#include "gallery.h"

struct request {
	volatile __u32 length;
	char bytes[64];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct request);
	__uint(max_entries, 1);
} requests SEC(".maps");

SEC("kprobe/do_unlinkat")
int serve(void *ctx)
{
	__u32 zero = 0;
	struct request *request = bpf_map_lookup_elem(&requests, &zero);
	__u32 length;

	if (!request)
		return 0;
	length = request->length;
	if (length > sizeof(request->bytes))
		return 0;
	bpf_probe_read_kernel(request->bytes, length, ctx);
	return 0;
}
