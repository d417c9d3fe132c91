// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// What is asked of redirections before anything is sent: flags, sizes, interfaces that are not there.
#include <linux/pkt_cls.h>
#include "results.h"

SEC("tc")
int neighbours(struct __sk_buff *skb)
{
	struct bpf_redir_neigh params[2] = { { .nh_family = 2 } };

	SAY(bpf_redirect_neigh(1, 0, 0, 0));
	SAY(bpf_redirect_neigh(1, 0, 0, 1));
	SAY(bpf_redirect_neigh(99, 0, 0, 0));
	SAY(bpf_redirect_neigh(1, params, sizeof(params[0]), 0));
	SAY(bpf_redirect_neigh(1, params, sizeof(params[0]) - 1, 0));
	SAY(bpf_redirect_neigh(1, params, sizeof(params), 0));
	SAY(bpf_redirect_neigh(1, params, sizeof(params[0]), opaque(1ull << 40)));
	return TC_ACT_OK;
}

SEC("tc")
int peers(struct __sk_buff *skb)
{
	SAY(bpf_redirect_peer(1, 0));
	SAY(bpf_redirect_peer(99, 0));
	SAY(bpf_redirect_peer(1, 1));
	return TC_ACT_OK;
}

SEC("tc")
int interfaces(struct __sk_buff *skb)
{
	SAY(bpf_redirect(99, 0));
	SAY(bpf_redirect(0, 0));
	SAY(bpf_redirect(1, opaque(1ull << 32)));
	SAY(bpf_redirect(1, BPF_F_INGRESS | opaque(1ull << 63)));
	return TC_ACT_OK;
}

SEC("tc")
int copies(struct __sk_buff *skb)
{
	SAY(bpf_clone_redirect(skb, 0, 0));
	SAY(bpf_clone_redirect(skb, 99, 0));
	SAY(bpf_clone_redirect(skb, 2, 2));
	SAY(bpf_clone_redirect(skb, 99, BPF_F_INGRESS));
	return TC_ACT_OK;
}

SEC("lwt_xmit")
int tunnels(struct __sk_buff *skb)
{
	SAY(bpf_redirect(1, 0));
	SAY(bpf_redirect(1, BPF_F_INGRESS));
	SAY(bpf_redirect(1, 4));
	SAY(bpf_clone_redirect(skb, 99, 0));
	return BPF_OK;
}
