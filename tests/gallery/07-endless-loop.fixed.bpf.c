// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A loop waits for something that nothing inside it brings about. Mended.
#include "gallery.h"

static volatile int ready;

SEC("xdp")
int wait(struct xdp_md *ctx)
{
	for (int turn = 0; turn < 100 && !ready; turn++)
		;
	return XDP_PASS;
}
