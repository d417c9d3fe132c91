// SPDX-License-Identifier: MIT OR Apache-2.0
/* A table of kernel operations. */
#include "common.h"

struct sock;
struct tcp_congestion_ops {
	__u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	__u32 (*undo_cwnd)(struct sock *sk);
	char name[16];
	__u32 flags;
} __attribute__((preserve_access_index));

SEC("struct_ops/my_ssthresh") int my_ssthresh(__u64 *ctx) { return 2; }
SEC("struct_ops/my_cong_avoid") int my_cong_avoid(__u64 *ctx) { return 0; }
SEC("struct_ops") int my_undo(__u64 *ctx) { return 4; }

SEC(".struct_ops") struct tcp_congestion_ops my_ops = {
	.ssthresh = (void *)my_ssthresh,
	.cong_avoid = (void *)my_cong_avoid,
	.undo_cwnd = (void *)my_undo,
	.name = "osmia",
};
LICENSE;
