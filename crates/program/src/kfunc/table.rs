//! The rows: name, callers and flags, by what they are about.

use super::Kfunc;
use crate::helper::Callers;

const ACQUIRES: u16 = Kfunc::ACQUIRES;
const RELEASES: u16 = Kfunc::RELEASES;
const MAY_BE_NULL: u16 = Kfunc::MAY_BE_NULL;
const SLEEPS: u16 = Kfunc::SLEEPS;
const TRUSTED: u16 = Kfunc::TRUSTED;
const RCU: u16 = Kfunc::RCU;
const UNDER_LOCK: u16 = Kfunc::UNDER_LOCK;
const BEGINS: u16 = Kfunc::BEGINS;
const STEPS: u16 = Kfunc::STEPS;
const ENDS: u16 = Kfunc::ENDS;
const IN_RCU: u16 = Kfunc::IN_RCU;

/// Programs that trace the kernel.
const TRACING: Callers = Callers::any(&[
    Callers::TP_BTF,
    Callers::TRAMPOLINE,
    Callers::TRACEPOINT,
    Callers::PERF_EVENT,
    ITERATORS,
    SECURITY,
]);
const ITERATORS: Callers = Callers::any(&[Callers::ITER, Callers::ITER_SOCKET]);
const SECURITY: Callers = Callers::any(&[Callers::LSM, Callers::LSM_CGROUP]);
/// Programs of control groups.
const CGROUP: Callers = Callers::any(&[
    Callers::CGROUP_SKB,
    Callers::CGROUP_SOCK,
    Callers::DEVICE,
    Callers::SYSCTL,
    Callers::GETSOCKOPT,
    Callers::SETSOCKOPT,
    Callers::ADDR_BIND,
    Callers::ADDR_CONNECT,
    Callers::ADDR_REPLY,
    Callers::SOCK_OPS,
]);
/// Programs that look at the kernel or make decisions for it.
const OBSERVERS: Callers = Callers::any(&[TRACING, Callers::STRUCT_OPS, Callers::SYSCALL]);
/// Those that make objects.
const GENERIC: Callers = Callers::any(&[OBSERVERS, CGROUP, Callers::SCHED_CLS, Callers::XDP]);
/// Packets on their way.
const TRAFFIC: Callers = Callers::any(&[Callers::TC, Callers::XDP]);
/// Packets whose connection is known.
const CONNECTIONS: Callers = Callers::any(&[Callers::SCHED_CLS, Callers::XDP]);
/// Whoever sees a packet as a socket buffer.
const PACKETS: Callers = Callers::any(&[
    Callers::FILTER,
    Callers::TC,
    CGROUP,
    Callers::LWT_IN,
    Callers::LWT_OUT,
    Callers::LWT_XMIT,
    Callers::LWT_SEG6,
    Callers::SK_SKB,
    Callers::NETFILTER,
    TRACING,
]);

/// Declares kernel functions by their callers: name and, if there are any, flags.
macro_rules! kfuncs {
    ($($callers:path { $($name:ident $(: $flags:expr)?;)+ })+) => {
        &[$($(Kfunc {
            name: stringify!($name),
            callers: $callers,
            flags: 0 $(| $flags)?,
        },)+)+]
    };
}

pub(super) const ALL: &[Kfunc] = kfuncs! {
    // Objects a program makes.
    GENERIC {
        bpf_obj_new_impl: ACQUIRES | MAY_BE_NULL;
        bpf_obj_drop_impl: RELEASES;
        bpf_percpu_obj_new_impl: ACQUIRES | MAY_BE_NULL;
        bpf_percpu_obj_drop_impl: RELEASES;
        bpf_refcount_acquire_impl: ACQUIRES | MAY_BE_NULL | RCU | UNDER_LOCK;
        bpf_list_push_front_impl: UNDER_LOCK;
        bpf_list_push_back_impl: UNDER_LOCK;
        bpf_list_pop_front: ACQUIRES | MAY_BE_NULL | UNDER_LOCK;
        bpf_list_pop_back: ACQUIRES | MAY_BE_NULL | UNDER_LOCK;
        bpf_list_front: MAY_BE_NULL | UNDER_LOCK;
        bpf_list_back: MAY_BE_NULL | UNDER_LOCK;
        bpf_rbtree_add_impl: UNDER_LOCK;
        bpf_rbtree_remove: ACQUIRES | MAY_BE_NULL | UNDER_LOCK;
        bpf_rbtree_first: MAY_BE_NULL | UNDER_LOCK;
        bpf_rbtree_root: MAY_BE_NULL | UNDER_LOCK;
        bpf_rbtree_left: MAY_BE_NULL | UNDER_LOCK;
        bpf_rbtree_right: MAY_BE_NULL | UNDER_LOCK;
    }
    // Sections.
    Callers::ALL {
        bpf_rcu_read_lock;
        bpf_rcu_read_unlock;
        bpf_preempt_disable;
        bpf_preempt_enable;
        bpf_local_irq_save;
        bpf_local_irq_restore;
        bpf_res_spin_lock: MAY_BE_NULL | UNDER_LOCK;
        bpf_res_spin_unlock: UNDER_LOCK;
        bpf_res_spin_lock_irqsave: MAY_BE_NULL | UNDER_LOCK;
        bpf_res_spin_unlock_irqrestore: UNDER_LOCK;
    }
    GENERIC {
        bpf_throw;
    }
    // Dynamic pointers.
    PACKETS {
        bpf_dynptr_from_skb: TRUSTED;
    }
    Callers::TC {
        bpf_dynptr_from_skb_meta: TRUSTED;
    }
    Callers::XDP {
        bpf_dynptr_from_xdp;
    }
    Callers::ALL {
        bpf_dynptr_slice: MAY_BE_NULL;
        bpf_dynptr_slice_rdwr: MAY_BE_NULL;
        bpf_dynptr_adjust;
        bpf_dynptr_is_null;
        bpf_dynptr_is_rdonly;
        bpf_dynptr_size;
        bpf_dynptr_clone;
        bpf_dynptr_copy;
        bpf_dynptr_memset;
        bpf_probe_read_kernel_dynptr;
        bpf_probe_read_kernel_str_dynptr;
        bpf_probe_read_user_dynptr;
        bpf_probe_read_user_str_dynptr;
        bpf_copy_from_user_dynptr: SLEEPS;
        bpf_copy_from_user_str_dynptr: SLEEPS;
        bpf_copy_from_user_task_dynptr: SLEEPS | TRUSTED;
        bpf_copy_from_user_task_str_dynptr: SLEEPS | TRUSTED;
    }
    // Iterators.
    Callers::ALL {
        bpf_iter_num_new: BEGINS | UNDER_LOCK;
        bpf_iter_num_next: STEPS | MAY_BE_NULL | UNDER_LOCK;
        bpf_iter_num_destroy: ENDS | UNDER_LOCK;
        bpf_iter_bits_new: BEGINS;
        bpf_iter_bits_next: STEPS | MAY_BE_NULL;
        bpf_iter_bits_destroy: ENDS;
        bpf_iter_task_new: BEGINS | TRUSTED | IN_RCU;
        bpf_iter_task_next: STEPS | MAY_BE_NULL;
        bpf_iter_task_destroy: ENDS;
        bpf_iter_task_vma_new: BEGINS | RCU;
        bpf_iter_task_vma_next: STEPS | MAY_BE_NULL;
        bpf_iter_task_vma_destroy: ENDS;
        bpf_iter_css_new: BEGINS | TRUSTED | IN_RCU;
        bpf_iter_css_next: STEPS | MAY_BE_NULL;
        bpf_iter_css_destroy: ENDS;
        bpf_iter_css_task_new: BEGINS | TRUSTED;
        bpf_iter_css_task_next: STEPS | MAY_BE_NULL;
        bpf_iter_css_task_destroy: ENDS;
        bpf_iter_kmem_cache_new: BEGINS | SLEEPS;
        bpf_iter_kmem_cache_next: STEPS | MAY_BE_NULL | SLEEPS;
        bpf_iter_kmem_cache_destroy: ENDS | SLEEPS;
        bpf_iter_dmabuf_new: BEGINS | SLEEPS;
        bpf_iter_dmabuf_next: STEPS | MAY_BE_NULL | SLEEPS;
        bpf_iter_dmabuf_destroy: ENDS | SLEEPS;
    }
    // Work for later.
    Callers::ALL {
        bpf_wq_init;
        bpf_wq_set_callback_impl;
        bpf_wq_start;
        bpf_task_work_schedule_signal_impl: TRUSTED;
        bpf_task_work_schedule_resume_impl: TRUSTED;
    }
    // Text.
    Callers::ALL {
        bpf_strcmp;
        bpf_strcasecmp;
        bpf_strchr;
        bpf_strchrnul;
        bpf_strnchr;
        bpf_strrchr;
        bpf_strlen;
        bpf_strnlen;
        bpf_strspn;
        bpf_strcspn;
        bpf_strstr;
        bpf_strnstr;
        bpf_stream_vprintk_impl: TRUSTED | UNDER_LOCK;
        bpf_copy_from_user_str: SLEEPS;
        bpf_copy_from_user_task_str: SLEEPS;
    }
    // Tasks, control groups, files, keys.
    GENERIC {
        bpf_task_acquire: ACQUIRES | MAY_BE_NULL | RCU;
        bpf_task_release: RELEASES;
        bpf_task_from_pid: ACQUIRES | MAY_BE_NULL;
        bpf_task_from_vpid: ACQUIRES | MAY_BE_NULL;
        bpf_task_under_cgroup: RCU;
        bpf_task_get_cgroup1: ACQUIRES | MAY_BE_NULL | RCU;
        bpf_send_signal_task: TRUSTED;
        bpf_cgroup_acquire: ACQUIRES | MAY_BE_NULL | RCU;
        bpf_cgroup_release: RELEASES;
        bpf_cgroup_ancestor: ACQUIRES | MAY_BE_NULL | RCU;
        bpf_cgroup_from_id: ACQUIRES | MAY_BE_NULL;
    }
    Callers::ALL {
        bpf_cgroup_read_xattr: RCU;
    }
    TRACING {
        css_rstat_updated;
        css_rstat_flush: SLEEPS;
    }
    SECURITY {
        bpf_get_task_exe_file: ACQUIRES | MAY_BE_NULL | TRUSTED;
        bpf_put_file: RELEASES;
        bpf_path_d_path: TRUSTED;
        bpf_get_dentry_xattr: SLEEPS | TRUSTED;
        bpf_get_file_xattr: SLEEPS | TRUSTED;
        bpf_set_dentry_xattr: SLEEPS | TRUSTED;
        bpf_remove_dentry_xattr: SLEEPS | TRUSTED;
    }
    GENERIC {
        bpf_lookup_user_key: ACQUIRES | MAY_BE_NULL | SLEEPS;
        bpf_lookup_system_key: ACQUIRES | MAY_BE_NULL;
        bpf_key_put: RELEASES;
        bpf_verify_pkcs7_signature: SLEEPS;
    }
    Callers::SYSCALL {
        bpf_crypto_ctx_create: ACQUIRES | MAY_BE_NULL | SLEEPS;
        bpf_crypto_ctx_acquire: ACQUIRES | MAY_BE_NULL | RCU;
        bpf_crypto_ctx_release: RELEASES;
    }
    TRAFFIC {
        bpf_crypto_encrypt: RCU;
        bpf_crypto_decrypt: RCU;
    }
    // CPU masks.
    OBSERVERS {
        bpf_cpumask_create: ACQUIRES | MAY_BE_NULL;
        bpf_cpumask_release: RELEASES;
        bpf_cpumask_acquire: ACQUIRES | TRUSTED;
        bpf_cpumask_first: RCU;
        bpf_cpumask_first_zero: RCU;
        bpf_cpumask_first_and: RCU;
        bpf_cpumask_set_cpu: RCU;
        bpf_cpumask_clear_cpu: RCU;
        bpf_cpumask_test_cpu: RCU;
        bpf_cpumask_test_and_set_cpu: RCU;
        bpf_cpumask_test_and_clear_cpu: RCU;
        bpf_cpumask_setall: RCU;
        bpf_cpumask_clear: RCU;
        bpf_cpumask_and: RCU;
        bpf_cpumask_or: RCU;
        bpf_cpumask_xor: RCU;
        bpf_cpumask_equal: RCU;
        bpf_cpumask_intersects: RCU;
        bpf_cpumask_subset: RCU;
        bpf_cpumask_empty: RCU;
        bpf_cpumask_full: RCU;
        bpf_cpumask_copy: RCU;
        bpf_cpumask_any_distribute: RCU;
        bpf_cpumask_any_and_distribute: RCU;
        bpf_cpumask_weight: RCU;
        bpf_cpumask_populate: RCU;
    }
    // Contexts, packets, sockets.
    Callers::ALL {
        bpf_cast_to_kern_ctx;
        bpf_rdonly_cast;
    }
    Callers::KPROBE_MULTI {
        bpf_session_is_return;
        bpf_session_cookie;
    }
    Callers::ALL {
        bpf_get_kmem_cache;
        bpf_map_sum_elem_count: TRUSTED;
    }
    Callers::XDP {
        bpf_xdp_metadata_rx_timestamp: TRUSTED;
        bpf_xdp_metadata_rx_hash: TRUSTED;
        bpf_xdp_metadata_rx_vlan_tag: TRUSTED;
        bpf_xdp_pull_data;
        bpf_xdp_get_xfrm_state: ACQUIRES | MAY_BE_NULL;
        bpf_xdp_xfrm_state_release: RELEASES;
    }
    Callers::SCHED_CLS {
        bpf_skb_get_fou_encap;
        bpf_skb_set_fou_encap;
        bpf_skb_get_xfrm_info;
        bpf_skb_set_xfrm_info;
    }
    CONNECTIONS {
        bpf_skb_ct_alloc: ACQUIRES | MAY_BE_NULL;
        bpf_skb_ct_lookup: ACQUIRES | MAY_BE_NULL;
        bpf_xdp_ct_alloc: ACQUIRES | MAY_BE_NULL;
        bpf_xdp_ct_lookup: ACQUIRES | MAY_BE_NULL;
        bpf_ct_insert_entry: ACQUIRES | MAY_BE_NULL | RELEASES;
        bpf_ct_release: RELEASES;
        bpf_ct_set_timeout: TRUSTED;
        bpf_ct_change_timeout: TRUSTED;
        bpf_ct_set_status: TRUSTED;
        bpf_ct_change_status: TRUSTED;
        bpf_ct_set_nat_info: TRUSTED;
    }
    Callers::SCHED_CLS {
        bpf_sk_assign_tcp_reqsk: TRUSTED;
    }
    CGROUP {
        bpf_sock_addr_set_sun_path;
    }
    ITERATORS {
        bpf_sock_destroy: TRUSTED;
    }
    CGROUP {
        bpf_sock_ops_enable_tx_tstamp: TRUSTED;
    }
    // Congestion control.
    Callers::STRUCT_OPS {
        tcp_reno_ssthresh;
        tcp_reno_cong_avoid;
        tcp_reno_undo_cwnd;
        tcp_slow_start;
        tcp_cong_avoid_ai;
        cubictcp_init;
        cubictcp_recalc_ssthresh;
        cubictcp_cong_avoid;
        cubictcp_state;
        cubictcp_cwnd_event;
        cubictcp_acked;
        bbr_init;
        bbr_main;
        bbr_sndbuf_expand;
        bbr_undo_cwnd;
        bbr_cwnd_event;
        bbr_ssthresh;
        bbr_min_tso_segs;
        bbr_set_state;
    }
    // Arenas.
    Callers::ALL {
        bpf_arena_alloc_pages: TRUSTED | SLEEPS | UNDER_LOCK;
        bpf_arena_free_pages: TRUSTED | SLEEPS | UNDER_LOCK;
        bpf_arena_reserve_pages: TRUSTED | UNDER_LOCK;
    }
};
