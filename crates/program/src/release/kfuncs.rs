//! Since when there is which kernel function, and since when programs of a type may call any.
//!
//! Sources: the pages of docs.ebpf.io, each with the commit; which there are in 6.1, 6.12, 6.16 and 6.18
//! read in the BTF of such kernels. Functions that were renamed count from their name of 6.18 on.

use super::Release;
use crate::ProgramKind;

/// Functions by their first release, oldest first.
const FUNCTIONS: &[(Release, &[&str])] = &[
    (
        at(5, 13),
        &[
            "tcp_reno_ssthresh",
            "tcp_reno_cong_avoid",
            "tcp_reno_undo_cwnd",
            "tcp_slow_start",
            "tcp_cong_avoid_ai",
            "cubictcp_init",
            "cubictcp_recalc_ssthresh",
            "cubictcp_cong_avoid",
            "cubictcp_state",
            "cubictcp_cwnd_event",
            "cubictcp_acked",
            "bbr_init",
            "bbr_main",
            "bbr_sndbuf_expand",
            "bbr_undo_cwnd",
            "bbr_cwnd_event",
            "bbr_ssthresh",
            "bbr_min_tso_segs",
            "bbr_set_state",
        ],
    ),
    (
        at(5, 18),
        &["bpf_xdp_ct_lookup", "bpf_skb_ct_lookup", "bpf_ct_release"],
    ),
    (
        at(6, 0),
        &[
            "bpf_xdp_ct_alloc",
            "bpf_skb_ct_alloc",
            "bpf_ct_insert_entry",
            "bpf_ct_set_timeout",
            "bpf_ct_change_timeout",
            "bpf_ct_set_status",
            "bpf_ct_change_status",
        ],
    ),
    (
        at(6, 1),
        &[
            "bpf_lookup_user_key",
            "bpf_lookup_system_key",
            "bpf_key_put",
            "bpf_verify_pkcs7_signature",
            "bpf_ct_set_nat_info",
            "crash_kexec",
        ],
    ),
    (
        at(6, 2),
        &[
            "bpf_obj_new_impl",
            "bpf_obj_drop_impl",
            "bpf_list_pop_front",
            "bpf_list_pop_back",
            "bpf_task_acquire",
            "bpf_task_release",
            "bpf_task_from_pid",
            "bpf_cgroup_acquire",
            "bpf_cgroup_release",
            "bpf_cgroup_ancestor",
            "bpf_cast_to_kern_ctx",
            "bpf_rdonly_cast",
            "bpf_rcu_read_lock",
            "bpf_rcu_read_unlock",
            "bpf_skb_get_xfrm_info",
            "bpf_skb_set_xfrm_info",
        ],
    ),
    (
        at(6, 3),
        &[
            "bpf_rbtree_remove",
            "bpf_rbtree_first",
            "bpf_cpumask_create",
            "bpf_cpumask_release",
            "bpf_cpumask_acquire",
            "bpf_cpumask_first",
            "bpf_cpumask_first_zero",
            "bpf_cpumask_set_cpu",
            "bpf_cpumask_clear_cpu",
            "bpf_cpumask_test_cpu",
            "bpf_cpumask_test_and_set_cpu",
            "bpf_cpumask_test_and_clear_cpu",
            "bpf_cpumask_setall",
            "bpf_cpumask_clear",
            "bpf_cpumask_and",
            "bpf_cpumask_or",
            "bpf_cpumask_xor",
            "bpf_cpumask_equal",
            "bpf_cpumask_intersects",
            "bpf_cpumask_subset",
            "bpf_cpumask_empty",
            "bpf_cpumask_full",
            "bpf_cpumask_copy",
            "bpf_xdp_metadata_rx_timestamp",
            "bpf_xdp_metadata_rx_hash",
        ],
    ),
    (
        at(6, 4),
        &[
            "bpf_refcount_acquire_impl",
            "bpf_list_push_front_impl",
            "bpf_list_push_back_impl",
            "bpf_rbtree_add_impl",
            "bpf_cgroup_from_id",
            "bpf_dynptr_slice",
            "bpf_dynptr_slice_rdwr",
            "bpf_dynptr_from_skb",
            "bpf_dynptr_from_xdp",
            "bpf_iter_num_new",
            "bpf_iter_num_next",
            "bpf_iter_num_destroy",
            "bpf_skb_get_fou_encap",
            "bpf_skb_set_fou_encap",
        ],
    ),
    (
        at(6, 5),
        &[
            "bpf_cpumask_first_and",
            "bpf_cpumask_any_distribute",
            "bpf_cpumask_any_and_distribute",
            "bpf_task_under_cgroup",
            "bpf_dynptr_adjust",
            "bpf_dynptr_is_null",
            "bpf_dynptr_is_rdonly",
            "bpf_dynptr_size",
            "bpf_dynptr_clone",
            "bpf_sock_destroy",
        ],
    ),
    (at(6, 6), &["bpf_map_sum_elem_count"]),
    (
        at(6, 7),
        &[
            "bpf_percpu_obj_new_impl",
            "bpf_percpu_obj_drop_impl",
            "bpf_throw",
            "bpf_iter_task_vma_new",
            "bpf_iter_task_vma_next",
            "bpf_iter_task_vma_destroy",
            "bpf_iter_css_task_new",
            "bpf_iter_css_task_next",
            "bpf_iter_css_task_destroy",
            "bpf_iter_css_new",
            "bpf_iter_css_next",
            "bpf_iter_css_destroy",
            "bpf_iter_task_new",
            "bpf_iter_task_next",
            "bpf_iter_task_destroy",
            "bpf_sock_addr_set_sun_path",
        ],
    ),
    (
        at(6, 8),
        &[
            "bpf_get_file_xattr",
            "bpf_get_fsverity_digest",
            "bpf_cpumask_weight",
            "bpf_task_get_cgroup1",
            "bpf_xdp_metadata_rx_vlan_tag",
            "bpf_xdp_get_xfrm_state",
            "bpf_xdp_xfrm_state_release",
        ],
    ),
    (
        at(6, 9),
        &[
            "bpf_arena_alloc_pages",
            "bpf_arena_free_pages",
            "bpf_sk_assign_tcp_reqsk",
        ],
    ),
    (
        at(6, 10),
        &[
            "bpf_wq_init",
            "bpf_wq_set_callback_impl",
            "bpf_wq_start",
            "bpf_preempt_disable",
            "bpf_preempt_enable",
            "bpf_crypto_ctx_create",
            "bpf_crypto_ctx_release",
            "bpf_crypto_ctx_acquire",
            "bpf_crypto_decrypt",
            "bpf_crypto_encrypt",
            "bpf_session_is_return",
            "bpf_session_cookie",
        ],
    ),
    (
        at(6, 11),
        &[
            "bpf_iter_bits_new",
            "bpf_iter_bits_next",
            "bpf_iter_bits_destroy",
        ],
    ),
    (
        at(6, 12),
        &[
            "bpf_copy_from_user_str",
            "bpf_get_task_exe_file",
            "bpf_put_file",
            "bpf_path_d_path",
            "bpf_get_dentry_xattr",
        ],
    ),
    (
        at(6, 13),
        &[
            "bpf_task_from_vpid",
            "bpf_send_signal_task",
            "bpf_get_kmem_cache",
            "bpf_iter_kmem_cache_new",
            "bpf_iter_kmem_cache_next",
            "bpf_iter_kmem_cache_destroy",
        ],
    ),
    (at(6, 14), &["bpf_local_irq_save", "bpf_local_irq_restore"]),
    (
        at(6, 15),
        &[
            "bpf_set_dentry_xattr",
            "bpf_remove_dentry_xattr",
            "bpf_res_spin_lock",
            "bpf_res_spin_unlock",
            "bpf_res_spin_lock_irqsave",
            "bpf_res_spin_unlock_irqrestore",
            "bpf_copy_from_user_task_str",
            "bpf_dynptr_copy",
            "bpf_cpumask_populate",
            "bpf_sock_ops_enable_tx_tstamp",
        ],
    ),
    (
        at(6, 16),
        &[
            "bpf_list_front",
            "bpf_list_back",
            "bpf_rbtree_root",
            "bpf_rbtree_left",
            "bpf_rbtree_right",
            "bpf_probe_read_kernel_dynptr",
            "bpf_probe_read_kernel_str_dynptr",
            "bpf_probe_read_user_dynptr",
            "bpf_probe_read_user_str_dynptr",
            "bpf_copy_from_user_dynptr",
            "bpf_copy_from_user_str_dynptr",
            "bpf_copy_from_user_task_dynptr",
            "bpf_copy_from_user_task_str_dynptr",
            "bpf_iter_dmabuf_new",
            "bpf_iter_dmabuf_next",
            "bpf_iter_dmabuf_destroy",
            "css_rstat_updated",
            "css_rstat_flush",
        ],
    ),
    (
        at(6, 17),
        &[
            "bpf_dynptr_memset",
            "bpf_strcmp",
            "bpf_strchr",
            "bpf_strchrnul",
            "bpf_strnchr",
            "bpf_strrchr",
            "bpf_strlen",
            "bpf_strnlen",
            "bpf_strspn",
            "bpf_strcspn",
            "bpf_strstr",
            "bpf_strnstr",
            "bpf_cgroup_read_xattr",
            "bpf_arena_reserve_pages",
        ],
    ),
    (
        at(6, 18),
        &[
            "bpf_dynptr_from_skb_meta",
            "bpf_strcasecmp",
            "bpf_xdp_pull_data",
            "bpf_task_work_schedule_signal_impl",
            "bpf_task_work_schedule_resume_impl",
            "bpf_stream_vprintk_impl",
        ],
    ),
];

/// Program types that could call no function at first; commits 67666479edf1, bc638d8cb5be and
/// 59422464266f.
const CALLERS: &[(ProgramKind, Release)] = &[
    (ProgramKind::CgroupDevice, at(6, 12)),
    (ProgramKind::CgroupSock, at(6, 12)),
    (ProgramKind::CgroupSockopt, at(6, 12)),
    (ProgramKind::CgroupSysctl, at(6, 12)),
    (ProgramKind::Tracepoint, at(6, 12)),
    (ProgramKind::PerfEvent, at(6, 12)),
    (ProgramKind::CgroupSockAddr, at(6, 7)),
    (ProgramKind::SockOps, at(6, 15)),
];

const fn at(major: u8, minor: u8) -> Release {
    Release::new(major, minor)
}

/// Since when there is a function, for programs of a type if one is given; `None` for functions that are
/// not in the table.
pub fn since(name: &str, caller: Option<ProgramKind>) -> Option<Release> {
    let (first, _) = FUNCTIONS.iter().find(|(_, names)| names.contains(&name))?;
    let caller = CALLERS.iter().find(|(kind, _)| Some(*kind) == caller);
    Some(caller.map_or(*first, |(_, opened)| (*opened).max(*first)))
}
