//! The rows: commands, the part of the union they use, its fields.

use super::Role::{Fd, Name, Number, Pointer};
use super::{AttrField, AttrLayout, Command};

/// Declares the layouts: commands, the name of their part of the union (empty if it has none), and
/// each field's offset, bytes, name and role.
macro_rules! layouts {
    ($($($command:ident)+, $part:literal { $($offset:literal $bytes:literal $name:literal $role:ident,)+ })+) => {
        /// What a command finds in its attributes.
        pub const fn layout(command: Command) -> &'static AttrLayout {
            match command {
                $($(Command::$command)|+ => &AttrLayout {
                    part: $part,
                    fields: &[$(AttrField { name: $name, offset: $offset, bytes: $bytes, role: $role }),+],
                },)+
            }
        }
    };
}

layouts! {
    MapCreate, "" {
          0  4 "map_type" Number,
          4  4 "key_size" Number,
          8  4 "value_size" Number,
         12  4 "max_entries" Number,
         16  4 "map_flags" Number,
         20  4 "inner_map_fd" Fd,
         24  4 "numa_node" Number,
         28 16 "map_name" Name,
         44  4 "map_ifindex" Number,
         48  4 "btf_fd" Fd,
         52  4 "btf_key_type_id" Number,
         56  4 "btf_value_type_id" Number,
         60  4 "btf_vmlinux_value_type_id" Number,
         64  8 "map_extra" Number,
         72  4 "value_type_btf_obj_fd" Fd,
         76  4 "map_token_fd" Fd,
         80  8 "excl_prog_hash" Pointer,
         88  4 "excl_prog_hash_size" Number,
    }
    MapLookupElem MapUpdateElem MapLookupAndDeleteElem, "" {
          0  4 "map_fd" Fd,
          8  8 "key" Pointer,
         16  8 "value" Pointer,
         24  8 "flags" Number,
    }
    MapDeleteElem, "" {
          0  4 "map_fd" Fd,
          8  8 "key" Pointer,
    }
    MapGetNextKey, "" {
          0  4 "map_fd" Fd,
          8  8 "key" Pointer,
         16  8 "next_key" Pointer,
    }
    ProgLoad, "" {
          0  4 "prog_type" Number,
          4  4 "insn_cnt" Number,
          8  8 "insns" Pointer,
         16  8 "license" Pointer,
         24  4 "log_level" Number,
         28  4 "log_size" Number,
         32  8 "log_buf" Pointer,
         40  4 "kern_version" Number,
         44  4 "prog_flags" Number,
         48 16 "prog_name" Name,
         64  4 "prog_ifindex" Number,
         68  4 "expected_attach_type" Number,
         72  4 "prog_btf_fd" Fd,
         76  4 "func_info_rec_size" Number,
         80  8 "func_info" Pointer,
         88  4 "func_info_cnt" Number,
         92  4 "line_info_rec_size" Number,
         96  8 "line_info" Pointer,
        104  4 "line_info_cnt" Number,
        108  4 "attach_btf_id" Number,
        112  4 "attach_prog_fd" Fd,
        112  4 "attach_btf_obj_fd" Fd,
        116  4 "core_relo_cnt" Number,
        120  8 "fd_array" Pointer,
        128  8 "core_relos" Pointer,
        136  4 "core_relo_rec_size" Number,
        140  4 "log_true_size" Number,
        144  4 "prog_token_fd" Fd,
        148  4 "fd_array_cnt" Number,
        152  8 "signature" Pointer,
        160  4 "signature_size" Number,
        164  4 "keyring_id" Number,
    }
    ObjPin ObjGet, "" {
          0  8 "pathname" Pointer,
          8  4 "bpf_fd" Fd,
         12  4 "file_flags" Number,
         16  4 "path_fd" Fd,
    }
    ProgAttach ProgDetach, "" {
          0  4 "target_fd" Fd,
          0  4 "target_ifindex" Number,
          4  4 "attach_bpf_fd" Fd,
          8  4 "attach_type" Number,
         12  4 "attach_flags" Number,
         16  4 "replace_bpf_fd" Fd,
         20  4 "relative_fd" Fd,
         20  4 "relative_id" Number,
         24  8 "expected_revision" Number,
    }
    ProgTestRun, "test" {
          0  4 "prog_fd" Fd,
          4  4 "retval" Number,
          8  4 "data_size_in" Number,
         12  4 "data_size_out" Number,
         16  8 "data_in" Pointer,
         24  8 "data_out" Pointer,
         32  4 "repeat" Number,
         36  4 "duration" Number,
         40  4 "ctx_size_in" Number,
         44  4 "ctx_size_out" Number,
         48  8 "ctx_in" Pointer,
         56  8 "ctx_out" Pointer,
         64  4 "flags" Number,
         68  4 "cpu" Number,
         72  4 "batch_size" Number,
    }
    ProgGetNextId MapGetNextId BtfGetNextId LinkGetNextId, "" {
          0  4 "start_id" Number,
          4  4 "next_id" Number,
    }
    ProgGetFdById, "" {
          0  4 "prog_id" Number,
    }
    MapGetFdById, "" {
          0  4 "map_id" Number,
          4  4 "next_id" Number,
          8  4 "open_flags" Number,
    }
    ObjGetInfoByFd, "info" {
          0  4 "bpf_fd" Fd,
          4  4 "info_len" Number,
          8  8 "info" Pointer,
    }
    ProgQuery, "query" {
          0  4 "target_fd" Fd,
          0  4 "target_ifindex" Number,
          4  4 "attach_type" Number,
          8  4 "query_flags" Number,
         12  4 "attach_flags" Number,
         16  8 "prog_ids" Pointer,
         24  4 "prog_cnt" Number,
         24  4 "count" Number,
         32  8 "prog_attach_flags" Pointer,
         40  8 "link_ids" Pointer,
         48  8 "link_attach_flags" Pointer,
         56  8 "revision" Number,
    }
    RawTracepointOpen, "raw_tracepoint" {
          0  8 "name" Pointer,
          8  4 "prog_fd" Fd,
         16  8 "cookie" Number,
    }
    BtfLoad, "" {
          0  8 "btf" Pointer,
          8  8 "btf_log_buf" Pointer,
         16  4 "btf_size" Number,
         20  4 "btf_log_size" Number,
         24  4 "btf_log_level" Number,
         28  4 "btf_log_true_size" Number,
         32  4 "btf_flags" Number,
         36  4 "btf_token_fd" Fd,
    }
    BtfGetFdById, "" {
          0  4 "btf_id" Number,
          4  4 "next_id" Number,
          8  4 "open_flags" Number,
         12  4 "fd_by_id_token_fd" Fd,
    }
    TaskFdQuery, "task_fd_query" {
          0  4 "pid" Number,
          4  4 "fd" Fd,
          8  4 "flags" Number,
         12  4 "buf_len" Number,
         16  8 "buf" Pointer,
         24  4 "prog_id" Number,
         28  4 "fd_type" Number,
         32  8 "probe_offset" Number,
         40  8 "probe_addr" Number,
    }
    MapFreeze, "" {
          0  4 "map_fd" Fd,
    }
    MapLookupBatch MapLookupAndDeleteBatch MapUpdateBatch MapDeleteBatch, "batch" {
          0  8 "in_batch" Pointer,
          8  8 "out_batch" Pointer,
         16  8 "keys" Pointer,
         24  8 "values" Pointer,
         32  4 "count" Number,
         36  4 "map_fd" Fd,
         40  8 "elem_flags" Number,
         48  8 "flags" Number,
    }
    LinkCreate, "link_create" {
          0  4 "prog_fd" Fd,
          0  4 "map_fd" Fd,
          4  4 "target_fd" Fd,
          4  4 "target_ifindex" Number,
          8  4 "attach_type" Number,
         12  4 "flags" Number,
         16  4 "target_btf_id" Number,
         16  8 "iter_info" Pointer,
         24  4 "iter_info_len" Number,
         16  8 "perf_event.bpf_cookie" Number,
         16  4 "kprobe_multi.flags" Number,
         20  4 "kprobe_multi.cnt" Number,
         24  8 "kprobe_multi.syms" Pointer,
         32  8 "kprobe_multi.addrs" Pointer,
         40  8 "kprobe_multi.cookies" Pointer,
         16  4 "tracing.target_btf_id" Number,
         24  8 "tracing.cookie" Number,
         16  4 "netfilter.pf" Number,
         20  4 "netfilter.hooknum" Number,
         24  4 "netfilter.priority" Number,
         28  4 "netfilter.flags" Number,
         16  4 "tcx.relative_fd" Fd,
         16  4 "tcx.relative_id" Number,
         24  8 "tcx.expected_revision" Number,
         16  8 "uprobe_multi.path" Pointer,
         24  8 "uprobe_multi.offsets" Pointer,
         32  8 "uprobe_multi.ref_ctr_offsets" Pointer,
         40  8 "uprobe_multi.cookies" Pointer,
         48  4 "uprobe_multi.cnt" Number,
         52  4 "uprobe_multi.flags" Number,
         56  4 "uprobe_multi.pid" Number,
         16  4 "netkit.relative_fd" Fd,
         16  4 "netkit.relative_id" Number,
         24  8 "netkit.expected_revision" Number,
         16  4 "cgroup.relative_fd" Fd,
         16  4 "cgroup.relative_id" Number,
         24  8 "cgroup.expected_revision" Number,
    }
    LinkUpdate, "link_update" {
          0  4 "link_fd" Fd,
          4  4 "new_prog_fd" Fd,
          4  4 "new_map_fd" Fd,
          8  4 "flags" Number,
         12  4 "old_prog_fd" Fd,
         12  4 "old_map_fd" Fd,
    }
    LinkGetFdById, "" {
          0  4 "link_id" Number,
    }
    EnableStats, "enable_stats" {
          0  4 "type" Number,
    }
    IterCreate, "iter_create" {
          0  4 "link_fd" Fd,
          4  4 "flags" Number,
    }
    LinkDetach, "link_detach" {
          0  4 "link_fd" Fd,
    }
    ProgBindMap, "prog_bind_map" {
          0  4 "prog_fd" Fd,
          4  4 "map_fd" Fd,
          8  4 "flags" Number,
    }
    TokenCreate, "token_create" {
          0  4 "flags" Number,
          4  4 "bpffs_fd" Fd,
    }
    ProgStreamReadByFd, "prog_stream_read" {
          0  8 "stream_buf" Pointer,
          8  4 "stream_buf_len" Number,
         12  4 "stream_id" Number,
         16  4 "prog_fd" Fd,
    }
}
