// SPDX-License-Identifier: MIT OR Apache-2.0
/* Declares a variable of another object with another type. */
#include "common.h"

extern __u64 count_b;

SEC("xdp") int from_c(struct xdp_md *ctx)
{
	return count_b > 1 ? XDP_DROP : XDP_PASS;
}
LICENSE;
