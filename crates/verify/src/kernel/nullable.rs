//! Arguments of the kernel's hooks that may be null although their types do not say so.
//!
//! Measured on Linux 6.18: what its verifier says of every pointer argument of every tracepoint and
//! iterator.

/// What an argument of an iterator is, which is null at the end.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// A trusted pointer.
    Trusted,
    /// A pointer of the old kind.
    Plain,
    /// Bytes that may be written.
    Buffer,
    /// Bytes that may be read.
    ReadOnlyBuffer,
}

/// Arguments of iterators, by name and position, that are not simply trusted.
const ITERATORS: &[(&str, usize, Item)] = &[
    ("bpf_link", 1, Item::Plain),
    ("bpf_map", 1, Item::Trusted),
    ("bpf_map_elem", 2, Item::ReadOnlyBuffer),
    ("bpf_map_elem", 3, Item::Buffer),
    ("bpf_prog", 1, Item::Plain),
    ("bpf_sk_storage_map", 2, Item::Plain),
    ("bpf_sk_storage_map", 3, Item::Buffer),
    ("cgroup", 1, Item::Trusted),
    ("dmabuf", 1, Item::Plain),
    ("ipv6_route", 1, Item::Plain),
    ("kmem_cache", 1, Item::Trusted),
    ("ksym", 1, Item::Plain),
    ("netlink", 1, Item::Plain),
    ("sockmap", 2, Item::ReadOnlyBuffer),
    ("sockmap", 3, Item::Plain),
    ("task", 1, Item::Trusted),
    ("task_file", 1, Item::Plain),
    ("task_file", 3, Item::Plain),
    ("task_vma", 1, Item::Plain),
    ("task_vma", 2, Item::Plain),
    ("tcp", 1, Item::Trusted),
    ("udp", 1, Item::Trusted),
    ("unix", 1, Item::Trusted),
];

/// What an argument of an iterator is, if it is not simply trusted.
pub(super) fn iterator(name: &str, argument: usize) -> Option<Item> {
    let row = ITERATORS
        .iter()
        .find(|(of, at, _)| *of == name && *at == argument);
    row.map(|(_, _, item)| *item)
}

/// True if an argument of a tracepoint may be null.
pub(super) fn tracepoint(name: &str, argument: usize) -> bool {
    TRACEPOINTS
        .iter()
        .any(|(of, at)| *of == name && *at == argument)
}

/// True if the arguments of a hook cannot be trusted: what it is about is being made or taken down.
pub(super) fn is_distrusted(hook: &str) -> bool {
    const HOOKS: [&str; 7] = [
        "bpf_map_free",
        "bpf_prog_free",
        "file_alloc_security",
        "file_free_security",
        "sk_alloc_security",
        "sk_free_security",
        "task_free",
    ];
    HOOKS.contains(&hook)
}

/// Arguments of tracepoints that may be null, by position.
const TRACEPOINTS: &[(&str, usize)] = &[
    ("break_lease_block", 1),
    ("break_lease_noblock", 1),
    ("break_lease_unblock", 1),
    ("ext4_mballoc_discard", 1),
    ("ext4_mballoc_free", 1),
    ("fcntl_setlk", 1),
    ("fib_table_lookup", 2),
    ("flock_lock_inode", 1),
    ("folio_wait_writeback", 1),
    ("generic_delete_lease", 1),
    ("hugetlbfs_alloc_inode", 1),
    ("kfree_skb", 3),
    ("locks_remove_posix", 1),
    ("mm_collapse_huge_page_isolate", 0),
    ("mm_khugepaged_collapse_file", 1),
    ("mm_khugepaged_scan_file", 1),
    ("mm_khugepaged_scan_pmd", 1),
    ("mm_page_alloc", 0),
    ("mm_page_alloc_zone_locked", 0),
    ("mm_page_pcpu_drain", 0),
    ("posix_lock_inode", 1),
    ("qdisc_dequeue", 3),
    ("sched_pi_setprio", 1),
    ("sched_stick_numa", 2),
    ("sched_swap_numa", 2),
    ("tcp_send_reset", 0),
    ("tcp_send_reset", 1),
    ("tcp_sendmsg_locked", 2),
    ("time_out_leases", 1),
    ("tmigr_update_events", 0),
    ("writeback_dirty_folio", 1),
    ("xfs_blockgc_flush_all", 0),
    ("xfs_blockgc_free_space", 1),
    ("xfs_blockgc_start", 0),
    ("xfs_blockgc_stop", 0),
    ("xfs_blockgc_worker", 0),
    ("xfs_btree_overlapped_query_range", 2),
    ("xfs_btree_updkeys", 2),
    ("xfs_defer_add_item", 0),
    ("xfs_defer_cancel_item", 0),
    ("xfs_defer_cancel_list", 0),
    ("xfs_defer_create_intent", 0),
    ("xfs_defer_finish_item", 0),
    ("xfs_defer_isolate_paused", 0),
    ("xfs_defer_item_pause", 0),
    ("xfs_defer_item_unpause", 0),
    ("xfs_defer_pending_abort", 0),
    ("xfs_defer_pending_finish", 0),
    ("xfs_defer_relog_intent", 0),
    ("xfs_fs_sync_fs", 0),
    ("xfs_inodegc_flush", 0),
    ("xfs_inodegc_push", 0),
    ("xfs_inodegc_queue", 0),
    ("xfs_inodegc_start", 0),
    ("xfs_inodegc_stop", 0),
    ("xfs_inodegc_throttle", 0),
    ("xfs_ioc_free_eofblocks", 1),
    ("xfs_map_blocks_alloc", 4),
    ("xfs_map_blocks_found", 4),
];
