// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A register is read that a call has overwritten.
#include "gallery.h"

SEC("xdp")
__attribute__((naked)) int stamp(struct xdp_md *ctx)
{
	asm volatile(
		"call %[ktime];"
		"r0 = *(u32 *)(r1 + 4);"
		"r0 = 2;"
		"exit;"
		: : [ktime] "i"(BPF_FUNC_ktime_get_ns));
}
