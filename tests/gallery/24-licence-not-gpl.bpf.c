// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A helper for GPL programs only, in a program under another licence.
#define LICENCE_SAID
#include "gallery.h"

char LICENSE[] SEC("license") = "Proprietary";

SEC("kprobe/do_unlinkat")
int say(void *ctx)
{
	long seen = 0;

	bpf_probe_read_kernel(&seen, sizeof(seen), ctx);
	return seen != 0;
}
