// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A kernel structure is read through a plain pointer. Mended.
#include "gallery.h"

struct thing {
	__u64 state;
};

SEC("kprobe/do_unlinkat")
int look(void *ctx)
{
	struct thing *task = (void *)bpf_get_current_task();
	__u64 state = 0;

	bpf_probe_read_kernel(&state, sizeof(state), &task->state);
	return state != 0;
}
