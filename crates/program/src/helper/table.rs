//! The rows of the table, by number.

use super::Arg::*;
use super::Callers as C;
use super::{Callers, Helper, Prototype, Returns};

/// Those that every program may call.
const EVERY: Callers = C::ALL;
/// Those that every program may call but decoders of infrared, which have a short list.
const COMMON: Callers = C::ALL.without(C::LIRC);
const KPROBES: Callers = Callers::any(&[C::KPROBE, C::KPROBE_MULTI]);
const ITERATORS: Callers = Callers::any(&[C::ITER, C::ITER_SOCKET]);
const SECURITY: Callers = Callers::any(&[C::LSM, C::LSM_CGROUP]);
/// Programs with arguments by BTF, and what is allowed wherever those are.
const TYPED_TRACING: Callers =
    Callers::any(&[C::TP_BTF, C::TRAMPOLINE, ITERATORS, SECURITY, C::SYSCALL]);
const TRACING: Callers = Callers::any(&[
    KPROBES,
    C::TRACEPOINT,
    C::RAW_TRACEPOINT,
    C::PERF_EVENT,
    TYPED_TRACING,
]);
const TRAMPOLINES: Callers = Callers::any(&[C::TRAMPOLINE, C::LSM]);
const COOKIE: Callers = Callers::any(&[
    KPROBES,
    C::TRACEPOINT,
    C::RAW_TRACEPOINT,
    C::PERF_EVENT,
    C::TP_BTF,
    TRAMPOLINES,
]);
const TC_XDP: Callers = Callers::any(&[C::TC, C::XDP]);
const TC_LWT: Callers = Callers::any(&[C::TC, C::LWT_XMIT]);
const TC_CGROUP: Callers = Callers::any(&[C::TC, C::CGROUP_SKB]);
const TC_STREAM: Callers = Callers::any(&[C::TC, C::SK_SKB]);
const TUNNEL: Callers = Callers::any(&[C::LWT_IN, C::LWT_OUT, C::LWT_XMIT, C::LWT_SEG6]);
const TC_TUNNEL: Callers = Callers::any(&[C::TC, TUNNEL]);
const ENCAP: Callers = Callers::any(&[C::LWT_IN, C::LWT_XMIT]);
const REDIRECT: Callers = Callers::any(&[TC_XDP, C::LWT_XMIT]);
const CSUM_DIFF: Callers = Callers::any(&[TC_XDP, TUNNEL]);
const SKB_WRITE: Callers = Callers::any(&[TC_LWT, C::SK_SKB]);
const SKB_PULL: Callers = Callers::any(&[TC_TUNNEL, C::SK_SKB]);
const LOAD_RELATIVE: Callers = Callers::any(&[C::FILTER, TC_CGROUP, C::REUSEPORT]);
const SKB_READ: Callers = Callers::any(&[LOAD_RELATIVE, TUNNEL, C::SK_SKB, C::FLOW]);
const ADDR: Callers = Callers::any(&[C::ADDR_BIND, C::ADDR_CONNECT, C::ADDR_REPLY]);
const SOCKOPT: Callers = Callers::any(&[C::GETSOCKOPT, C::SETSOCKOPT]);
const SOCKET_LOOKUP: Callers = Callers::any(&[TC_XDP, C::CGROUP_SKB, C::SK_SKB, ADDR]);
const SOCKET_RELEASE: Callers = Callers::any(&[SOCKET_LOOKUP, C::SK_LOOKUP]);
const SOCKET_UID: Callers = Callers::any(&[C::FILTER, TC_CGROUP, C::SK_SKB]);
const SOCKET_COOKIE: Callers = Callers::any(&[
    SOCKET_UID,
    C::CGROUP_SOCK,
    C::SOCK_OPS,
    ADDR,
    C::REUSEPORT,
    TYPED_TRACING,
]);
const NETNS_COOKIE: Callers = Callers::any(&[
    C::FILTER,
    TC_CGROUP,
    C::CGROUP_SOCK,
    C::SOCK_OPS,
    C::SK_MSG,
    ADDR,
    SOCKOPT,
]);
/// Those that name the socket whose options they mean; for the others it is the context's.
const OPTIONS_BY_SOCKET: Callers =
    Callers::any(&[C::SETSOCKOPT, C::ITER_SOCKET, C::STRUCT_OPS, C::LSM_CGROUP]);
const SOCKET_OPTIONS: Callers = Callers::any(&[C::SOCK_OPS, ADDR, OPTIONS_BY_SOCKET]);
const SK_ASSIGN: Callers = Callers::any(&[C::TC, C::SK_LOOKUP]);
const TCP_SOCK: Callers = Callers::any(&[TC_CGROUP, C::SOCK_OPS, SOCKOPT]);
const STORAGE_DELETE: Callers =
    Callers::any(&[TCP_SOCK, C::SK_MSG, ADDR, TYPED_TRACING, C::STRUCT_OPS]);
const STORAGE_GET: Callers = Callers::any(&[STORAGE_DELETE, C::CGROUP_SOCK]);
const BUFF_LEN: Callers = Callers::any(&[C::XDP, TYPED_TRACING]);
/// Programs of control groups whose result becomes an error number.
const RETVAL: Callers = Callers::any(&[
    C::CGROUP_SOCK,
    C::DEVICE,
    C::ADDR_BIND,
    C::ADDR_CONNECT,
    C::SYSCTL,
    SOCKOPT,
    C::LSM_CGROUP,
]);
const CGROUP: Callers = Callers::any(&[RETVAL, C::CGROUP_SKB, C::SOCK_OPS, C::ADDR_REPLY]);
const PERF_OUTPUT: Callers = COMMON.without(Callers::any(&[
    C::REUSEPORT,
    C::FLOW,
    C::NETFILTER,
    C::STRUCT_OPS,
]));
const UNTYPED_PROBES: Callers =
    Callers::any(&[KPROBES, C::TRACEPOINT, C::RAW_TRACEPOINT, C::PERF_EVENT]);
/// Programs that see sockets of some kind.
const NARROW: Callers = COMMON.without(Callers::any(&[
    UNTYPED_PROBES,
    C::CGROUP_SOCK,
    C::DEVICE,
    C::REUSEPORT,
    C::SYSCTL,
    SOCKOPT,
    C::NETFILTER,
    C::STRUCT_OPS,
]));
const COARSE: Callers = COMMON.without(Callers::any(&[
    UNTYPED_PROBES,
    TYPED_TRACING,
    C::DEVICE,
    SOCKOPT,
    C::NETFILTER,
]));

#[rustfmt::skip]
pub(super) static ALL: [Helper; 212] = [
    Helper::new(0, "bpf_unspec", Callers::NONE, &[], Returns::Void),
    Helper::new(1, "bpf_map_lookup_elem", EVERY, &[Map, MapKey], Returns::MapValueOrNull),
    Helper::new(2, "bpf_map_update_elem", EVERY, &[Map, MapKey, MapValue, Scalar], Returns::Scalar),
    Helper::new(3, "bpf_map_delete_elem", EVERY, &[Map, MapKey], Returns::Scalar),
    Helper::new(4, "bpf_probe_read", TRACING, &[Write, SizeOrZero, Scalar], Returns::Scalar).gpl(),
    Helper::new(5, "bpf_ktime_get_ns", EVERY, &[], Returns::Scalar),
    Helper::new(6, "bpf_trace_printk", EVERY, &[Read, Size], Returns::Scalar).gpl(),
    Helper::new(7, "bpf_get_prandom_u32", EVERY, &[], Returns::Scalar),
    Helper::new(8, "bpf_get_smp_processor_id", COMMON, &[], Returns::Scalar),
    Helper::new(9, "bpf_skb_store_bytes", SKB_WRITE, &[Context, Scalar, Read, Size, Scalar], Returns::Scalar).moves_packet(),
    Helper::new(10, "bpf_l3_csum_replace", TC_LWT, &[Context, Scalar, Scalar, Scalar, Scalar], Returns::Scalar).moves_packet(),
    Helper::new(11, "bpf_l4_csum_replace", TC_LWT, &[Context, Scalar, Scalar, Scalar, Scalar], Returns::Scalar).moves_packet(),
    Helper::new(12, "bpf_tail_call", EVERY, &[Context, Map, Scalar], Returns::Void),
    Helper::new(13, "bpf_clone_redirect", TC_LWT, &[Context, Scalar, Scalar], Returns::Scalar).moves_packet(),
    Helper::new(14, "bpf_get_current_pid_tgid", COMMON, &[], Returns::Scalar),
    Helper::new(15, "bpf_get_current_uid_gid", COMMON, &[], Returns::Scalar),
    Helper::new(16, "bpf_get_current_comm", COMMON, &[Write, Size], Returns::Scalar),
    Helper::new(17, "bpf_get_cgroup_classid", COMMON, &[], Returns::Scalar).also(&[(TC_TUNNEL, Prototype::new(&[Context], Returns::Scalar))]),
    Helper::new(18, "bpf_skb_vlan_push", C::TC, &[Context, Scalar, Scalar], Returns::Scalar).moves_packet(),
    Helper::new(19, "bpf_skb_vlan_pop", C::TC, &[Context], Returns::Scalar).moves_packet(),
    Helper::new(20, "bpf_skb_get_tunnel_key", TC_LWT, &[Context, Write, Size, Scalar], Returns::Scalar),
    Helper::new(21, "bpf_skb_set_tunnel_key", TC_LWT, &[Context, Read, Size, Scalar], Returns::Scalar),
    Helper::new(22, "bpf_perf_event_read", COMMON, &[Map, Scalar], Returns::Scalar).gpl(),
    Helper::new(23, "bpf_redirect", REDIRECT, &[Scalar, Scalar], Returns::Scalar),
    Helper::new(24, "bpf_get_route_realm", TC_TUNNEL, &[Context], Returns::Scalar),
    Helper::new(25, "bpf_perf_event_output", PERF_OUTPUT, &[Context, Map, Scalar, Read, SizeOrZero], Returns::Scalar).gpl(),
    Helper::new(26, "bpf_skb_load_bytes", SKB_READ, &[Context, Scalar, Write, Size], Returns::Scalar),
    Helper::new(27, "bpf_get_stackid", TRACING, &[Context, Map, Scalar], Returns::Scalar).gpl().gpl_or_not(C::PERF_EVENT),
    Helper::new(28, "bpf_csum_diff", CSUM_DIFF, &[ReadOrNull, SizeOrZero, ReadOrNull, SizeOrZero, Scalar], Returns::Scalar),
    Helper::new(29, "bpf_skb_get_tunnel_opt", TC_LWT, &[Context, Write, Size], Returns::Scalar),
    Helper::new(30, "bpf_skb_set_tunnel_opt", TC_LWT, &[Context, Read, Size], Returns::Scalar),
    Helper::new(31, "bpf_skb_change_proto", C::TC, &[Context, Scalar, Scalar], Returns::Scalar).moves_packet(),
    Helper::new(32, "bpf_skb_change_type", C::TC, &[Context, Scalar], Returns::Scalar),
    Helper::new(33, "bpf_skb_under_cgroup", TC_TUNNEL, &[Context, Map, Scalar], Returns::Scalar),
    Helper::new(34, "bpf_get_hash_recalc", TC_TUNNEL, &[Context], Returns::Scalar),
    Helper::new(35, "bpf_get_current_task", COMMON, &[], Returns::Scalar).gpl(),
    Helper::new(36, "bpf_probe_write_user", TRACING, &[Scalar, Read, Size], Returns::Scalar).gpl(),
    Helper::new(37, "bpf_current_task_under_cgroup", COMMON, &[Map, Scalar], Returns::Scalar),
    Helper::new(38, "bpf_skb_change_tail", SKB_WRITE, &[Context, Scalar, Scalar], Returns::Scalar).moves_packet(),
    Helper::new(39, "bpf_skb_pull_data", SKB_PULL, &[Context, Scalar], Returns::Scalar).moves_packet(),
    Helper::new(40, "bpf_csum_update", TC_LWT, &[Context, Scalar], Returns::Scalar),
    Helper::new(41, "bpf_set_hash_invalid", TC_LWT, &[Context], Returns::Scalar),
    Helper::new(42, "bpf_get_numa_node_id", COMMON, &[], Returns::Scalar),
    Helper::new(43, "bpf_skb_change_head", SKB_WRITE, &[Context, Scalar, Scalar], Returns::Scalar).moves_packet(),
    Helper::new(44, "bpf_xdp_adjust_head", C::XDP, &[Context, Scalar], Returns::Scalar).moves_packet(),
    Helper::new(45, "bpf_probe_read_str", TRACING, &[Write, SizeOrZero, Scalar], Returns::Scalar).gpl(),
    Helper::new(46, "bpf_get_socket_cookie", SOCKET_COOKIE, &[Context], Returns::Scalar).also(&[(Callers::any(&[TYPED_TRACING, C::REUSEPORT]), Prototype::new(&[SocketOrNull], Returns::Scalar))]),
    Helper::new(47, "bpf_get_socket_uid", SOCKET_UID, &[Context], Returns::Scalar),
    Helper::new(48, "bpf_set_hash", C::TC, &[Context, Scalar], Returns::Scalar),
    Helper::new(49, "bpf_setsockopt", SOCKET_OPTIONS, &[Context, Scalar, Scalar, Read, Size], Returns::Scalar).also(&[(OPTIONS_BY_SOCKET, Prototype::new(&[Socket, Scalar, Scalar, Read, Size], Returns::Scalar))]),
    Helper::new(50, "bpf_skb_adjust_room", TC_STREAM, &[Context, Scalar, Scalar, Scalar], Returns::Scalar).moves_packet(),
    Helper::new(51, "bpf_redirect_map", C::XDP, &[Map, Scalar, Scalar], Returns::Scalar),
    Helper::new(52, "bpf_sk_redirect_map", C::SK_SKB, &[Context, Map, Scalar, Scalar], Returns::Scalar),
    Helper::new(53, "bpf_sock_map_update", C::SOCK_OPS, &[Context, Map, MapKey, Scalar], Returns::Scalar),
    Helper::new(54, "bpf_xdp_adjust_meta", C::XDP, &[Context, Scalar], Returns::Scalar).moves_packet(),
    Helper::new(55, "bpf_perf_event_read_value", COMMON, &[Map, Scalar, Write, Size], Returns::Scalar).gpl(),
    Helper::new(56, "bpf_perf_prog_read_value", C::PERF_EVENT, &[Context, Write, Size], Returns::Scalar).gpl(),
    Helper::new(57, "bpf_getsockopt", SOCKET_OPTIONS, &[Context, Scalar, Scalar, Write, Size], Returns::Scalar).also(&[(OPTIONS_BY_SOCKET, Prototype::new(&[Socket, Scalar, Scalar, Write, Size], Returns::Scalar))]),
    Helper::new(58, "bpf_override_return", KPROBES, &[Context, Scalar], Returns::Scalar).gpl(),
    Helper::new(59, "bpf_sock_ops_cb_flags_set", C::SOCK_OPS, &[Context, Scalar], Returns::Scalar),
    Helper::new(60, "bpf_msg_redirect_map", C::SK_MSG, &[Context, Map, Scalar, Scalar], Returns::Scalar),
    Helper::new(61, "bpf_msg_apply_bytes", C::SK_MSG, &[Context, Scalar], Returns::Scalar),
    Helper::new(62, "bpf_msg_cork_bytes", C::SK_MSG, &[Context, Scalar], Returns::Scalar),
    Helper::new(63, "bpf_msg_pull_data", C::SK_MSG, &[Context, Scalar, Scalar, Scalar], Returns::Scalar).moves_packet(),
    Helper::new(64, "bpf_bind", C::ADDR_CONNECT, &[Context, Read, Size], Returns::Scalar),
    Helper::new(65, "bpf_xdp_adjust_tail", C::XDP, &[Context, Scalar], Returns::Scalar).moves_packet(),
    Helper::new(66, "bpf_skb_get_xfrm_state", C::TC, &[Context, Scalar, Write, Size, Scalar], Returns::Scalar),
    Helper::new(67, "bpf_get_stack", TRACING, &[Context, Write, SizeOrZero, Scalar], Returns::Scalar).gpl(),
    Helper::new(68, "bpf_skb_load_bytes_relative", LOAD_RELATIVE, &[Context, Scalar, Write, Size, Scalar], Returns::Scalar),
    Helper::new(69, "bpf_fib_lookup", TC_XDP, &[Context, ReadWrite, Size, Scalar], Returns::Scalar).gpl(),
    Helper::new(70, "bpf_sock_hash_update", C::SOCK_OPS, &[Context, Map, MapKey, Scalar], Returns::Scalar),
    Helper::new(71, "bpf_msg_redirect_hash", C::SK_MSG, &[Context, Map, MapKey, Scalar], Returns::Scalar),
    Helper::new(72, "bpf_sk_redirect_hash", C::SK_SKB, &[Context, Map, MapKey, Scalar], Returns::Scalar),
    Helper::new(73, "bpf_lwt_push_encap", ENCAP, &[Context, Scalar, Read, Size], Returns::Scalar).moves_packet(),
    Helper::new(74, "bpf_lwt_seg6_store_bytes", C::LWT_SEG6, &[Context, Scalar, Read, Size], Returns::Scalar).moves_packet(),
    Helper::new(75, "bpf_lwt_seg6_adjust_srh", C::LWT_SEG6, &[Context, Scalar, Scalar], Returns::Scalar).moves_packet(),
    Helper::new(76, "bpf_lwt_seg6_action", C::LWT_SEG6, &[Context, Scalar, Read, Size], Returns::Scalar).moves_packet(),
    Helper::new(77, "bpf_rc_repeat", C::LIRC, &[Context], Returns::Scalar).gpl(),
    Helper::new(78, "bpf_rc_keydown", C::LIRC, &[Context, Scalar, Scalar, Scalar], Returns::Scalar).gpl(),
    Helper::new(79, "bpf_skb_cgroup_id", TC_CGROUP, &[Context], Returns::Scalar),
    Helper::new(80, "bpf_get_current_cgroup_id", COMMON, &[], Returns::Scalar),
    Helper::new(81, "bpf_get_local_storage", CGROUP, &[Map, Scalar], Returns::MapValue),
    Helper::new(82, "bpf_sk_select_reuseport", C::REUSEPORT, &[Context, Map, MapKey, Scalar], Returns::Scalar),
    Helper::new(83, "bpf_skb_ancestor_cgroup_id", TC_CGROUP, &[Context, Scalar], Returns::Scalar),
    Helper::new(84, "bpf_sk_lookup_tcp", SOCKET_LOOKUP, &[Context, Read, Size, Scalar, Scalar], Returns::SocketOrNull),
    Helper::new(85, "bpf_sk_lookup_udp", SOCKET_LOOKUP, &[Context, Read, Size, Scalar, Scalar], Returns::SocketOrNull),
    Helper::new(86, "bpf_sk_release", SOCKET_RELEASE, &[SocketRelease], Returns::Scalar),
    Helper::new(87, "bpf_map_push_elem", EVERY, &[Map, MapValue, Scalar], Returns::Scalar),
    Helper::new(88, "bpf_map_pop_elem", EVERY, &[Map, MapValueOut], Returns::Scalar),
    Helper::new(89, "bpf_map_peek_elem", EVERY, &[Map, MapValueOut], Returns::Scalar),
    Helper::new(90, "bpf_msg_push_data", C::SK_MSG, &[Context, Scalar, Scalar, Scalar], Returns::Scalar).moves_packet(),
    Helper::new(91, "bpf_msg_pop_data", C::SK_MSG, &[Context, Scalar, Scalar, Scalar], Returns::Scalar).moves_packet(),
    Helper::new(92, "bpf_rc_pointer_rel", C::LIRC, &[Context, Scalar, Scalar], Returns::Scalar).gpl(),
    Helper::new(93, "bpf_spin_lock", COMMON, &[SpinLock], Returns::Void),
    Helper::new(94, "bpf_spin_unlock", COMMON, &[SpinLock], Returns::Void),
    Helper::new(95, "bpf_sk_fullsock", TC_CGROUP, &[SockCommon], Returns::SocketOrNull),
    Helper::new(96, "bpf_tcp_sock", TCP_SOCK, &[SockCommon], Returns::TcpSocketOrNull),
    Helper::new(97, "bpf_skb_ecn_set_ce", TC_CGROUP, &[Context], Returns::Scalar),
    Helper::new(98, "bpf_get_listener_sock", TC_CGROUP, &[SockCommon], Returns::SocketOrNull),
    Helper::new(99, "bpf_skc_lookup_tcp", SOCKET_LOOKUP, &[Context, Read, Size, Scalar, Scalar], Returns::SockCommonOrNull),
    Helper::new(100, "bpf_tcp_check_syncookie", TC_XDP, &[Socket, Read, Size, Read, Size], Returns::Scalar).gpl(),
    Helper::new(101, "bpf_sysctl_get_name", C::SYSCTL, &[Context, Write, Size, Scalar], Returns::Scalar),
    Helper::new(102, "bpf_sysctl_get_current_value", C::SYSCTL, &[Context, Write, Size], Returns::Scalar),
    Helper::new(103, "bpf_sysctl_get_new_value", C::SYSCTL, &[Context, Write, Size], Returns::Scalar),
    Helper::new(104, "bpf_sysctl_set_new_value", C::SYSCTL, &[Context, Read, Size], Returns::Scalar),
    Helper::new(105, "bpf_strtol", COMMON, &[Read, Size, Scalar, FixedWrite(8)], Returns::Scalar),
    Helper::new(106, "bpf_strtoul", COMMON, &[Read, Size, Scalar, FixedWrite(8)], Returns::Scalar),
    Helper::new(107, "bpf_sk_storage_get", STORAGE_GET, &[Map, Socket, MapValueOrNull, Scalar], Returns::MapValueOrNull).also(&[(C::CGROUP_SOCK, Prototype::new(&[Map, Context, MapValueOrNull, Scalar], Returns::MapValueOrNull))]),
    Helper::new(108, "bpf_sk_storage_delete", STORAGE_DELETE, &[Map, Socket], Returns::Scalar),
    Helper::new(109, "bpf_send_signal", COMMON, &[Scalar], Returns::Scalar),
    Helper::new(110, "bpf_tcp_gen_syncookie", TC_XDP, &[Socket, Read, Size, Read, Size], Returns::Scalar).gpl(),
    Helper::new(111, "bpf_skb_output", TYPED_TRACING, &[Kernel("sk_buff"), Map, Scalar, Read, SizeOrZero], Returns::Scalar).gpl(),
    Helper::new(112, "bpf_probe_read_user", COMMON, &[Write, SizeOrZero, Scalar], Returns::Scalar).gpl(),
    Helper::new(113, "bpf_probe_read_kernel", COMMON, &[Write, SizeOrZero, Scalar], Returns::Scalar).gpl(),
    Helper::new(114, "bpf_probe_read_user_str", COMMON, &[Write, SizeOrZero, Scalar], Returns::Scalar).gpl(),
    Helper::new(115, "bpf_probe_read_kernel_str", COMMON, &[Write, SizeOrZero, Scalar], Returns::Scalar).gpl(),
    Helper::new(116, "bpf_tcp_send_ack", C::STRUCT_OPS, &[Kernel("tcp_sock"), Scalar], Returns::Scalar),
    Helper::new(117, "bpf_send_signal_thread", COMMON, &[Scalar], Returns::Scalar),
    Helper::new(118, "bpf_jiffies64", COMMON, &[], Returns::Scalar),
    Helper::new(119, "bpf_read_branch_records", C::PERF_EVENT, &[Context, WriteOrNull, SizeOrZero, Scalar], Returns::Scalar).gpl(),
    Helper::new(120, "bpf_get_ns_current_pid_tgid", COMMON, &[Scalar, Scalar, Write, Size], Returns::Scalar),
    Helper::new(121, "bpf_xdp_output", TYPED_TRACING, &[Kernel("xdp_buff"), Map, Scalar, Read, SizeOrZero], Returns::Scalar).gpl(),
    Helper::new(122, "bpf_get_netns_cookie", NETNS_COOKIE, &[ContextOrNull], Returns::Scalar),
    Helper::new(123, "bpf_get_current_ancestor_cgroup_id", COMMON, &[Scalar], Returns::Scalar),
    Helper::new(124, "bpf_sk_assign", SK_ASSIGN, &[Context, Socket, Scalar], Returns::Scalar).also(&[(C::SK_LOOKUP, Prototype::new(&[Context, SocketOrNull, Scalar], Returns::Scalar))]),
    Helper::new(125, "bpf_ktime_get_boot_ns", EVERY, &[], Returns::Scalar),
    Helper::new(126, "bpf_seq_printf", ITERATORS, &[Kernel("seq_file"), Read, Size, ReadOrNull, SizeOrZero], Returns::Scalar).gpl(),
    Helper::new(127, "bpf_seq_write", ITERATORS, &[Kernel("seq_file"), Read, SizeOrZero], Returns::Scalar).gpl(),
    Helper::new(128, "bpf_sk_cgroup_id", C::CGROUP_SKB, &[Socket], Returns::Scalar),
    Helper::new(129, "bpf_sk_ancestor_cgroup_id", C::CGROUP_SKB, &[Socket, Scalar], Returns::Scalar),
    Helper::new(130, "bpf_ringbuf_output", COMMON, &[Map, Read, SizeOrZero, Scalar], Returns::Scalar),
    Helper::new(131, "bpf_ringbuf_reserve", COMMON, &[Map, AllocSize, Scalar], Returns::ReservationOrNull),
    Helper::new(132, "bpf_ringbuf_submit", COMMON, &[Reservation, Scalar], Returns::Void),
    Helper::new(133, "bpf_ringbuf_discard", COMMON, &[Reservation, Scalar], Returns::Void),
    Helper::new(134, "bpf_ringbuf_query", COMMON, &[Map, Scalar], Returns::Scalar),
    Helper::new(135, "bpf_csum_level", TC_LWT, &[Context, Scalar], Returns::Scalar),
    Helper::new(136, "bpf_skc_to_tcp6_sock", NARROW, &[Socket], Returns::KernelOrNull("tcp6_sock")),
    Helper::new(137, "bpf_skc_to_tcp_sock", NARROW, &[Socket], Returns::KernelOrNull("tcp_sock")),
    Helper::new(138, "bpf_skc_to_tcp_timewait_sock", NARROW, &[Socket], Returns::KernelOrNull("tcp_timewait_sock")),
    Helper::new(139, "bpf_skc_to_tcp_request_sock", NARROW, &[Socket], Returns::KernelOrNull("tcp_request_sock")),
    Helper::new(140, "bpf_skc_to_udp6_sock", NARROW, &[Socket], Returns::KernelOrNull("udp6_sock")),
    Helper::new(141, "bpf_get_task_stack", COMMON, &[Kernel("task_struct"), Write, SizeOrZero, Scalar], Returns::Scalar),
    Helper::new(142, "bpf_load_hdr_opt", C::SOCK_OPS, &[Context, ReadWrite, Size, Scalar], Returns::Scalar),
    Helper::new(143, "bpf_store_hdr_opt", C::SOCK_OPS, &[Context, Read, Size, Scalar], Returns::Scalar).moves_packet(),
    Helper::new(144, "bpf_reserve_hdr_opt", C::SOCK_OPS, &[Context, Scalar, Scalar], Returns::Scalar),
    Helper::new(145, "bpf_inode_storage_get", SECURITY, &[Map, KernelOrNull("inode"), MapValueOrNull, Scalar], Returns::MapValueOrNull),
    Helper::new(146, "bpf_inode_storage_delete", SECURITY, &[Map, KernelOrNull("inode")], Returns::Scalar),
    Helper::new(147, "bpf_d_path", TYPED_TRACING, &[Kernel("path"), Write, SizeOrZero], Returns::Scalar),
    Helper::new(148, "bpf_copy_from_user", COMMON, &[Write, SizeOrZero, Scalar], Returns::Scalar).sleeps(),
    Helper::new(149, "bpf_snprintf_btf", COMMON, &[Write, Size, Read, Size, Scalar], Returns::Scalar),
    Helper::new(150, "bpf_seq_printf_btf", ITERATORS, &[Kernel("seq_file"), Read, SizeOrZero, Scalar], Returns::Scalar).gpl(),
    Helper::new(151, "bpf_skb_cgroup_classid", C::TC, &[Context], Returns::Scalar),
    Helper::new(152, "bpf_redirect_neigh", C::TC, &[Scalar, ReadOrNull, SizeOrZero, Scalar], Returns::Scalar),
    Helper::new(153, "bpf_per_cpu_ptr", COMMON, &[PerCpu, Scalar], Returns::PerCpuOrNull),
    Helper::new(154, "bpf_this_cpu_ptr", COMMON, &[PerCpu], Returns::PerCpu),
    Helper::new(155, "bpf_redirect_peer", C::TC, &[Scalar, Scalar], Returns::Scalar),
    Helper::new(156, "bpf_task_storage_get", COMMON, &[Map, KernelOrNull("task_struct"), MapValueOrNull, Scalar], Returns::MapValueOrNull),
    Helper::new(157, "bpf_task_storage_delete", COMMON, &[Map, KernelOrNull("task_struct")], Returns::Scalar),
    Helper::new(158, "bpf_get_current_task_btf", COMMON, &[], Returns::Kernel("task_struct")).gpl(),
    Helper::new(159, "bpf_bprm_opts_set", SECURITY, &[Kernel("linux_binprm"), Scalar], Returns::Scalar),
    Helper::new(160, "bpf_ktime_get_coarse_ns", COARSE, &[], Returns::Scalar),
    Helper::new(161, "bpf_ima_inode_hash", SECURITY, &[Kernel("inode"), Write, Size], Returns::Scalar).sleeps(),
    Helper::new(162, "bpf_sock_from_file", TYPED_TRACING, &[Kernel("file")], Returns::KernelOrNull("socket")),
    Helper::new(163, "bpf_check_mtu", TC_XDP, &[Context, Scalar, FixedReadWrite(4), Scalar, Scalar], Returns::Scalar).gpl(),
    Helper::new(164, "bpf_for_each_map_elem", COMMON, &[Map, Function, StackOrNull, Scalar], Returns::Scalar),
    Helper::new(165, "bpf_snprintf", COMMON, &[WriteOrNull, SizeOrZero, ConstString, ReadOrNull, SizeOrZero], Returns::Scalar).gpl(),
    Helper::new(166, "bpf_sys_bpf", C::SYSCALL, &[Scalar, Read, Size], Returns::Scalar),
    Helper::new(167, "bpf_btf_find_by_name_kind", C::SYSCALL, &[Read, Size, Scalar, Scalar], Returns::Scalar),
    Helper::new(168, "bpf_sys_close", C::SYSCALL, &[Scalar], Returns::Scalar),
    Helper::new(169, "bpf_timer_init", COMMON, &[Timer, Map, Scalar], Returns::Scalar).gpl(),
    Helper::new(170, "bpf_timer_set_callback", COMMON, &[Timer, Function], Returns::Scalar).gpl(),
    Helper::new(171, "bpf_timer_start", COMMON, &[Timer, Scalar, Scalar], Returns::Scalar).gpl(),
    Helper::new(172, "bpf_timer_cancel", COMMON, &[Timer], Returns::Scalar).gpl(),
    Helper::new(173, "bpf_get_func_ip", TRACING, &[Context], Returns::Scalar).gpl().gpl_or_not(C::KPROBE_MULTI),
    Helper::new(174, "bpf_get_attach_cookie", COOKIE, &[Context], Returns::Scalar),
    Helper::new(175, "bpf_task_pt_regs", COMMON, &[Kernel("task_struct")], Returns::Kernel("pt_regs")).gpl(),
    Helper::new(176, "bpf_get_branch_snapshot", COMMON, &[Write, SizeOrZero], Returns::Scalar).gpl(),
    Helper::new(177, "bpf_trace_vprintk", COMMON, &[Read, Size, ReadOrNull, SizeOrZero], Returns::Scalar).gpl(),
    Helper::new(178, "bpf_skc_to_unix_sock", NARROW, &[Socket], Returns::KernelOrNull("unix_sock")),
    Helper::new(179, "bpf_kallsyms_lookup_name", C::SYSCALL, &[Read, SizeOrZero, Scalar, FixedWrite(8)], Returns::Scalar),
    Helper::new(180, "bpf_find_vma", COMMON, &[Kernel("task_struct"), Scalar, Function, StackOrNull, Scalar], Returns::Scalar),
    Helper::new(181, "bpf_loop", COMMON, &[Scalar, Function, StackOrNull, Scalar], Returns::Scalar),
    Helper::new(182, "bpf_strncmp", COMMON, &[Read, Size, ConstString], Returns::Scalar),
    Helper::new(183, "bpf_get_func_arg", TRAMPOLINES, &[Context, Scalar, FixedWrite(8)], Returns::Scalar),
    Helper::new(184, "bpf_get_func_ret", TRAMPOLINES, &[Context, FixedWrite(8)], Returns::Scalar),
    Helper::new(185, "bpf_get_func_arg_cnt", TRAMPOLINES, &[Context], Returns::Scalar),
    Helper::new(186, "bpf_get_retval", RETVAL, &[], Returns::Scalar),
    Helper::new(187, "bpf_set_retval", RETVAL, &[Scalar], Returns::Scalar),
    Helper::new(188, "bpf_xdp_get_buff_len", BUFF_LEN, &[Context], Returns::Scalar).also(&[(TYPED_TRACING, Prototype::new(&[Kernel("xdp_buff")], Returns::Scalar))]),
    Helper::new(189, "bpf_xdp_load_bytes", C::XDP, &[Context, Scalar, Write, Size], Returns::Scalar),
    Helper::new(190, "bpf_xdp_store_bytes", C::XDP, &[Context, Scalar, Read, Size], Returns::Scalar),
    Helper::new(191, "bpf_copy_from_user_task", COMMON, &[Write, SizeOrZero, Scalar, Kernel("task_struct"), Scalar], Returns::Scalar).gpl().sleeps(),
    Helper::new(192, "bpf_skb_set_tstamp", C::TC, &[Context, Scalar, Scalar], Returns::Scalar),
    Helper::new(193, "bpf_ima_file_hash", SECURITY, &[Kernel("file"), Write, Size], Returns::Scalar).sleeps(),
    Helper::new(194, "bpf_kptr_xchg", COMMON, &[Kptr, OwnedOrNull], Returns::OwnedOrNull),
    Helper::new(195, "bpf_map_lookup_percpu_elem", COMMON, &[Map, MapKey, Scalar], Returns::MapValueOrNull),
    Helper::new(196, "bpf_skc_to_mptcp_sock", NARROW, &[Socket], Returns::KernelOrNull("mptcp_sock")),
    Helper::new(197, "bpf_dynptr_from_mem", COMMON, &[Write, SizeOrZero, Scalar, DynptrOut], Returns::Scalar),
    Helper::new(198, "bpf_ringbuf_reserve_dynptr", COMMON, &[Map, Scalar, Scalar, DynptrOut], Returns::Scalar),
    Helper::new(199, "bpf_ringbuf_submit_dynptr", COMMON, &[DynptrEnd, Scalar], Returns::Void),
    Helper::new(200, "bpf_ringbuf_discard_dynptr", COMMON, &[DynptrEnd, Scalar], Returns::Void),
    Helper::new(201, "bpf_dynptr_read", COMMON, &[Write, SizeOrZero, Dynptr, Scalar, Scalar], Returns::Scalar),
    Helper::new(202, "bpf_dynptr_write", COMMON, &[Dynptr, Scalar, Read, SizeOrZero, Scalar], Returns::Scalar),
    Helper::new(203, "bpf_dynptr_data", COMMON, &[Dynptr, Scalar, AllocSize], Returns::DynptrMemoryOrNull),
    Helper::new(204, "bpf_tcp_raw_gen_syncookie_ipv4", TC_XDP, &[FixedRead(20), Read, SizeOrZero], Returns::Scalar).gpl(),
    Helper::new(205, "bpf_tcp_raw_gen_syncookie_ipv6", TC_XDP, &[FixedRead(40), Read, SizeOrZero], Returns::Scalar).gpl(),
    Helper::new(206, "bpf_tcp_raw_check_syncookie_ipv4", TC_XDP, &[FixedRead(20), FixedRead(20)], Returns::Scalar).gpl(),
    Helper::new(207, "bpf_tcp_raw_check_syncookie_ipv6", TC_XDP, &[FixedRead(40), FixedRead(20)], Returns::Scalar).gpl(),
    Helper::new(208, "bpf_ktime_get_tai_ns", COMMON, &[], Returns::Scalar),
    Helper::new(209, "bpf_user_ringbuf_drain", COMMON, &[Map, Function, StackOrNull, Scalar], Returns::Scalar),
    Helper::new(210, "bpf_cgrp_storage_get", COMMON, &[Map, KernelOrNull("cgroup"), MapValueOrNull, Scalar], Returns::MapValueOrNull),
    Helper::new(211, "bpf_cgrp_storage_delete", COMMON, &[Map, KernelOrNull("cgroup")], Returns::Scalar),
];
