// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A kernel structure is read through a plain pointer.
#include "gallery.h"

struct thing {
	__u64 state;
};

SEC("kprobe/do_unlinkat")
int look(void *ctx)
{
	struct thing *task = (void *)bpf_get_current_task();

	return task->state != 0;
}
