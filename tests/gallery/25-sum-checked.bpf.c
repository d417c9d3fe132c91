// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// The sum of an offset and a size is checked, but neither by itself.
#include "gallery.h"

__u32 from, wanted;

SEC("kprobe/do_unlinkat")
int fill(void *ctx)
{
	__u8 bytes[64] = {};
	__u32 offset = from, length = wanted;

	if (offset + length > sizeof(bytes))
		return 0;
	bpf_probe_read_kernel(bytes + offset, length, ctx);
	return bytes[0];
}
