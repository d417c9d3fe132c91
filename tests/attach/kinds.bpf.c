// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A program for every kind of place; each counts how often it ran. `cargo xtask attach` attaches one after the other.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define AT(place, name, result) \
	__u64 name##_hits; \
	SEC("?" place) int name(void *ctx) { __sync_fetch_and_add(&name##_hits, 1); return result; }

/* Packets. */
AT("xdp", on_xdp, XDP_PASS)
AT("tcx/ingress", on_tcx_ingress, -1)
AT("tcx/egress", on_tcx_egress, -1)
AT("tc", on_tc, -1)
AT("netfilter", on_netfilter, 1)
AT("sk_lookup", on_sk_lookup, 1)

/* Control groups. */
AT("cgroup_skb/ingress", on_skb_ingress, 1)
AT("cgroup_skb/egress", on_skb_egress, 1)
AT("cgroup/sock_create", on_sock_create, 1)
AT("cgroup/sock_release", on_sock_release, 1)
AT("cgroup/bind4", on_bind4, 1)
AT("cgroup/post_bind4", on_post_bind4, 1)
AT("cgroup/connect4", on_connect4, 1)
AT("cgroup/sendmsg4", on_sendmsg4, 1)
AT("cgroup/recvmsg4", on_recvmsg4, 1)
AT("cgroup/getsockname4", on_getsockname4, 1)
AT("cgroup/getsockopt", on_getsockopt, 1)
AT("cgroup/setsockopt", on_setsockopt, 1)
AT("cgroup/sysctl", on_sysctl, 1)
AT("cgroup/dev", on_dev, 1)
AT("sockops", on_sockops, 1)
AT("lsm_cgroup/socket_create", on_lsm_cgroup, 1)

/* Files of ours. */
AT("uprobe", on_uprobe, 0)
AT("uretprobe", on_uretprobe, 0)

/* The kernel. */
AT("tracepoint/syscalls/sys_enter_getpid", on_tracepoint, 0)
AT("raw_tp/sys_enter", on_raw_tp, 0)
AT("tp_btf/sys_exit", on_tp_btf, 0)
AT("kprobe/__x64_sys_getpid", on_kprobe, 0)
AT("kretprobe/__x64_sys_getpid", on_kretprobe, 0)
AT("ksyscall/getpid", on_ksyscall, 0)
AT("kprobe.multi/__x64_sys_getp*id", on_kprobe_multi, 0)
AT("kretprobe.multi/__x64_sys_getpid", on_kretprobe_multi, 0)
AT("fentry/__x64_sys_getpid", on_fentry, 0)
AT("fexit/__x64_sys_getpid", on_fexit, 0)
AT("fmod_ret/security_file_open", on_fmod_ret, 0)
AT("lsm/file_open", on_lsm, 0)
AT("perf_event", on_clock, 0)
AT("iter/task", on_iterator, 0)

char LICENSE[] SEC("license") = "Dual MIT/GPL";
