// SPDX-License-Identifier: MIT OR Apache-2.0
/* Tentative definitions (-fcommon): the compiler leaves their place to a linker. */
#include "common.h"

char flag;
__u64 total;
int placed = 0;

SEC("xdp") int count(struct xdp_md *ctx)
{
	total += flag;
	placed++;
	return XDP_PASS;
}
LICENSE;
