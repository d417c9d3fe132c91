// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A helper is to copy as many bytes as a number from outside says.
#include "gallery.h"

__u32 wanted;

SEC("kprobe/do_unlinkat")
int copy(void *ctx)
{
	char bytes[64] = {};
	__u32 length = wanted;

	bpf_probe_read_kernel(bytes, length, ctx);
	return bytes[3];
}
