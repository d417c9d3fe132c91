// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A negative error is returned where 0 and 1 have a meaning.
#include "gallery.h"

SEC("cgroup/connect4")
int deny(struct bpf_sock_addr *ctx)
{
	return ctx->user_port == bpf_htons(25) ? -1 : 1;
}
