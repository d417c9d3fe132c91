//! What the kernel lists by name and its types do not tell.
//!
//! Measured on Linux 6.18 (Debian's 6.18.15): its verdict on an empty program for every function, every
//! security hook and every member of every structure of operations in its BTF.

/// Functions that the trampoline itself needs.
pub(super) const UNTRACED: &[&str] = &[
    "___migrate_enable",
    "__rcu_read_lock",
    "__rcu_read_unlock",
    "migrate_disable",
    "migrate_enable",
    "preempt_count_add",
    "preempt_count_sub",
    "rcu_read_unlock_strict",
];

/// Functions that do not return: nothing can stand at their end.
pub(super) const NO_RETURN: &[&str] = &[
    "__ia32_sys_exit",
    "__ia32_sys_exit_group",
    "__kunit_abort",
    "__module_put_and_kthread_exit",
    "__x64_sys_exit",
    "__x64_sys_exit_group",
    "do_exit",
    "do_group_exit",
    "kthread_complete_and_exit",
    "kthread_exit",
    "kunit_try_catch_throw",
    "make_task_dead",
];

/// Functions whose result programs may replace, beside those that can be made to fail.
const MODIFIED: &[&str] = &[
    "bpf_fentry_test1",
    "bpf_modify_return_test",
    "bpf_modify_return_test2",
    "bpf_modify_return_test_tp",
    "update_socket_protocol",
];

/// Those of them whose programs may sleep.
pub(super) const MODIFIED_ASLEEP: &[&str] = &["bpf_fentry_test1"];

/// Functions that can be made to fail (`ALLOW_ERROR_INJECTION`), beside system calls.
const ERROR_INJECTED: &[&str] = &[
    "__filemap_add_folio",
    "btrfs_check_leaf_full",
    "btrfs_check_node",
    "btrfs_cow_block",
    "btrfs_search_slot",
    "btrfs_should_cancel_balance",
    "open_ctree",
    "should_fail_alloc_page",
    "should_fail_bio",
    "should_failslab",
];

/// Those of them that are called where nothing may sleep.
pub(super) const NOT_SLEEPABLE: &[&str] = &[
    "__filemap_add_folio",
    "should_fail_alloc_page",
    "should_failslab",
];

/// Security hooks whose programs may sleep.
pub(super) const HOOKS_ASLEEP: &[&str] = &[
    "bpf",
    "bpf_map",
    "bpf_map_create",
    "bpf_map_free",
    "bpf_prog",
    "bpf_prog_free",
    "bpf_prog_load",
    "bpf_token_capable",
    "bpf_token_cmd",
    "bpf_token_create",
    "bpf_token_free",
    "bprm_check_security",
    "bprm_committed_creds",
    "bprm_committing_creds",
    "bprm_creds_for_exec",
    "bprm_creds_from_file",
    "capget",
    "capset",
    "cred_prepare",
    "file_ioctl",
    "file_lock",
    "file_open",
    "file_post_open",
    "file_receive",
    "inet_conn_established",
    "inode_create",
    "inode_free_security",
    "inode_getattr",
    "inode_getxattr",
    "inode_mknod",
    "inode_post_removexattr",
    "inode_post_setxattr",
    "inode_readlink",
    "inode_removexattr",
    "inode_rename",
    "inode_rmdir",
    "inode_setattr",
    "inode_setxattr",
    "inode_symlink",
    "inode_unlink",
    "kernel_module_request",
    "kernel_read_file",
    "kernfs_init_security",
    "mmap_file",
    "netlink_send",
    "path_chmod",
    "path_chown",
    "path_link",
    "path_mkdir",
    "path_notify",
    "path_rename",
    "path_rmdir",
    "path_symlink",
    "path_truncate",
    "path_unlink",
    "release_secctx",
    "sb_alloc_security",
    "sb_eat_lsm_opts",
    "sb_kern_mount",
    "sb_mount",
    "sb_remount",
    "sb_set_mnt_opts",
    "sb_show_options",
    "sb_statfs",
    "sb_umount",
    "settime",
    "socket_accept",
    "socket_bind",
    "socket_connect",
    "socket_create",
    "socket_getpeername",
    "socket_getpeersec_dgram",
    "socket_getsockname",
    "socket_getsockopt",
    "socket_listen",
    "socket_post_create",
    "socket_recvmsg",
    "socket_sendmsg",
    "socket_shutdown",
    "socket_socketpair",
    "syslog",
    "task_alloc",
    "task_prctl",
    "task_setscheduler",
    "task_to_inode",
    "userns_create",
];

/// Security hooks that answer yes or no, not with an error number.
pub(super) const HOOKS_OF_TRUTH: &[&str] = &[
    "audit_rule_known",
    "inode_xattr_skipcap",
    "xfrm_state_pol_flow_match",
];

/// Security hooks that programs would break.
pub(super) const DISABLED_HOOKS: &[&str] = &[
    "audit_rule_match",
    "getprocattr",
    "getselfattr",
    "inode_copy_up_xattr",
    "inode_getsecurity",
    "inode_listsecurity",
    "inode_need_killpriv",
    "ismaclabel",
    "key_getsecurity",
    "setprocattr",
    "vm_enough_memory",
];

/// Functions that are called like security hooks.
pub(super) const NO_HOOKS: &[&str] = &[
    "find_cgroup_shim",
    "func_proto",
    "get_retval_range",
    "has_d_inode_locked",
    "init",
    "is_sleepable_hook",
    "is_trusted",
    "verify_prog",
];

/// Operations that the kernel keeps to itself.
pub(super) const OWN_OPERATIONS: &[(&str, &str)] = &[
    ("Qdisc_ops", "attach"),
    ("Qdisc_ops", "change"),
    ("Qdisc_ops", "change_real_num_tx"),
    ("Qdisc_ops", "change_tx_queue_len"),
    ("Qdisc_ops", "dump"),
    ("Qdisc_ops", "dump_stats"),
    ("Qdisc_ops", "egress_block_get"),
    ("Qdisc_ops", "egress_block_set"),
    ("Qdisc_ops", "ingress_block_get"),
    ("Qdisc_ops", "ingress_block_set"),
    ("Qdisc_ops", "peek"),
    ("tcp_congestion_ops", "get_info"),
];

/// Operations of `sched_ext_ops` whose programs may sleep.
const SCHEDULER_ASLEEP: &[&str] = &[
    "init_task",
    "cgroup_init",
    "cgroup_exit",
    "cgroup_prep_move",
    "cpu_online",
    "cpu_offline",
    "init",
    "exit",
];

/// True for functions whose result programs may replace.
pub(super) fn is_modified(function: &str) -> bool {
    MODIFIED.contains(&function)
}

/// True for functions that can be made to fail, where the kernel has the means.
pub(super) fn is_error_injected(function: &str) -> bool {
    let call = |prefix| function.starts_with(prefix);
    call("__x64_sys_")
        || call("__ia32_sys_")
        || call("__arm64_sys_")
        || ERROR_INJECTED.contains(&function)
}

/// True for operations whose programs may sleep.
pub(super) fn operation_sleeps(operations: &str, member: &str) -> bool {
    match operations {
        "bpf_dummy_ops" => member == "test_sleepable",
        "hid_bpf_ops" => member != "hid_device_event",
        "sched_ext_ops" => SCHEDULER_ASLEEP.contains(&member),
        _ => true,
    }
}
