// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Programs of control groups and sockets, for descriptions: examples/sockets-*.toml.

#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} connects SEC(".maps");

/* Sends connections to 192.0.2.1:80 to the loopback's port 8080; refuses others but root's. */
SEC("cgroup/connect4")
int connect4(struct bpf_sock_addr *ctx)
{
	__u32 uid = bpf_get_current_uid_gid();
	__u64 one = 1, *count = bpf_map_lookup_elem(&connects, &uid);

	if (count)
		*count += 1;
	else
		bpf_map_update_elem(&connects, &uid, &one, BPF_ANY);
	if (ctx->user_ip4 == bpf_htonl(0xc0000201) && ctx->user_port == bpf_htons(80)) {
		ctx->user_ip4 = bpf_htonl(0x7f000001);
		ctx->user_port = bpf_htons(8080);
		return 1;
	}
	return uid == 0;
}

/* Hides the size of the receive buffer. */
SEC("cgroup/getsockopt")
int shrink(struct bpf_sockopt *ctx)
{
	__u32 *value = ctx->optval;

	if (ctx->level != 1 /* SOL_SOCKET */ || ctx->optname != 8 /* SO_RCVBUF */)
		return 1;
	if ((void *)(value + 1) > ctx->optval_end)
		return 0;
	*value = 4096;
	ctx->retval = 0;
	return 1;
}

/* Lets nobody but root open anything but /dev/null. */
SEC("cgroup/dev")
int allowed(struct bpf_cgroup_dev_ctx *ctx)
{
	return (ctx->major == 1 && ctx->minor == 3) || (__u32)bpf_get_current_uid_gid() == 0;
}

/* Keeps the number of ports from being lowered. */
SEC("cgroup/sysctl")
int keep(struct bpf_sysctl *ctx)
{
	char name[32], value[16], new_value[] = "1024";

	if (!ctx->write || bpf_sysctl_get_name(ctx, name, sizeof(name), BPF_F_SYSCTL_BASE_NAME) < 0)
		return 1;
	bpf_sysctl_get_new_value(ctx, value, sizeof(value));
	bpf_printk("%s: %s", name, value);
	return bpf_sysctl_set_new_value(ctx, new_value, sizeof(new_value) - 1) == 0;
}

/* Asks for a timestamp option on connections to port 443. */
SEC("sockops")
int connected(struct bpf_sock_ops *ctx)
{
	if (ctx->op == BPF_SOCK_OPS_TCP_CONNECT_CB && ctx->remote_port == bpf_htonl(443))
		bpf_printk("port %d, first argument %d", bpf_ntohl(ctx->remote_port), ctx->args[0]);
	ctx->reply = ctx->op == BPF_SOCK_OPS_RWND_INIT ? 20 : -1;
	return 1;
}

/* Drops what is for port 7. */
SEC("sk_lookup")
int chosen(struct bpf_sk_lookup *ctx)
{
	return ctx->local_port == 7 ? SK_DROP : SK_PASS;
}

/* What the programs before this one decided. */
SEC("cgroup/sock_create")
int decided(struct bpf_sock *ctx)
{
	bpf_printk("so far %d", bpf_get_retval());
	return 1;
}

char _license[] SEC("license") = "Dual MIT/GPL";
