// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A loop waits for something that nothing inside it brings about.
#include "gallery.h"

static volatile int ready;

SEC("xdp")
int wait(struct xdp_md *ctx)
{
	while (!ready)
		;
	return XDP_PASS;
}
