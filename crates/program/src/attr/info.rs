//! What `BPF_OBJ_GET_INFO_BY_FD` fills: `struct bpf_prog_info` and its siblings, as data.

use super::AttrField;
use super::Role::{Name, Number, Pointer};

/// A structure that tells about an object.
#[derive(Debug)]
pub struct InfoLayout {
    /// Its name in the UAPI.
    pub name: &'static str,
    /// Its bytes.
    pub bytes: usize,
    /// Its fields.
    pub fields: &'static [AttrField],
}

impl InfoLayout {
    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&'static AttrField> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Where a field lies.
    ///
    /// # Panics
    /// If the structure has no such field.
    pub fn expect(&self, name: &str) -> &'static AttrField {
        self.field(name)
            .unwrap_or_else(|| panic!("{} has no field {name}", self.name))
    }
}

/// Declares the structures: name, bytes, and each field's offset, bytes, name and role.
macro_rules! infos {
    ($($(#[$meta:meta])* $constant:ident $name:literal $size:literal { $($offset:literal $bytes:literal $field:literal $role:ident,)+ })+) => {
        $($(#[$meta])* pub static $constant: InfoLayout = InfoLayout {
            name: $name,
            bytes: $size,
            fields: &[$(AttrField { name: $field, offset: $offset, bytes: $bytes, role: $role }),+],
        };)+
    };
}

infos! {
    /// What is told about a program.
    PROG_INFO "bpf_prog_info" 232 {
          0  4 "type" Number,
          4  4 "id" Number,
          8  8 "tag" Name,
         16  4 "jited_prog_len" Number,
         20  4 "xlated_prog_len" Number,
         24  8 "jited_prog_insns" Pointer,
         32  8 "xlated_prog_insns" Pointer,
         40  8 "load_time" Number,
         48  4 "created_by_uid" Number,
         52  4 "nr_map_ids" Number,
         56  8 "map_ids" Pointer,
         64 16 "name" Name,
         80  4 "ifindex" Number,
         84  4 "gpl_compatible" Number,
         88  8 "netns_dev" Number,
         96  8 "netns_ino" Number,
        104  4 "nr_jited_ksyms" Number,
        108  4 "nr_jited_func_lens" Number,
        112  8 "jited_ksyms" Pointer,
        120  8 "jited_func_lens" Pointer,
        128  4 "btf_id" Number,
        132  4 "func_info_rec_size" Number,
        136  8 "func_info" Pointer,
        144  4 "nr_func_info" Number,
        148  4 "nr_line_info" Number,
        152  8 "line_info" Pointer,
        160  8 "jited_line_info" Pointer,
        168  4 "nr_jited_line_info" Number,
        172  4 "line_info_rec_size" Number,
        176  4 "jited_line_info_rec_size" Number,
        180  4 "nr_prog_tags" Number,
        184  8 "prog_tags" Pointer,
        192  8 "run_time_ns" Number,
        200  8 "run_cnt" Number,
        208  8 "recursion_misses" Number,
        216  4 "verified_insns" Number,
        220  4 "attach_btf_obj_id" Number,
        224  4 "attach_btf_id" Number,
    }
    /// What is told about a map.
    MAP_INFO "bpf_map_info" 104 {
          0  4 "type" Number,
          4  4 "id" Number,
          8  4 "key_size" Number,
         12  4 "value_size" Number,
         16  4 "max_entries" Number,
         20  4 "map_flags" Number,
         24 16 "name" Name,
         40  4 "ifindex" Number,
         44  4 "btf_vmlinux_value_type_id" Number,
         48  8 "netns_dev" Number,
         56  8 "netns_ino" Number,
         64  4 "btf_id" Number,
         68  4 "btf_key_type_id" Number,
         72  4 "btf_value_type_id" Number,
         76  4 "btf_vmlinux_id" Number,
         80  8 "map_extra" Number,
         88  8 "hash" Pointer,
         96  4 "hash_size" Number,
    }
    /// What is told about a BTF object.
    BTF_INFO "bpf_btf_info" 32 {
          0  8 "btf" Pointer,
          8  4 "btf_size" Number,
         12  4 "id" Number,
         16  8 "name" Pointer,
         24  4 "name_len" Number,
         28  4 "kernel_btf" Number,
    }
    /// What is told about a link.
    LINK_INFO "bpf_link_info" 64 {
          0  4 "type" Number,
          4  4 "id" Number,
          8  4 "prog_id" Number,
         16  8 "raw_tracepoint.tp_name" Pointer,
         24  4 "raw_tracepoint.tp_name_len" Number,
         32  8 "raw_tracepoint.cookie" Number,
         16  4 "tracing.attach_type" Number,
         20  4 "tracing.target_obj_id" Number,
         24  4 "tracing.target_btf_id" Number,
         32  8 "tracing.cookie" Number,
         16  8 "cgroup.cgroup_id" Number,
         24  4 "cgroup.attach_type" Number,
         16  8 "iter.target_name" Pointer,
         24  4 "iter.target_name_len" Number,
         28  4 "iter.map.map_id" Number,
         32  8 "iter.cgroup.cgroup_id" Number,
         40  4 "iter.cgroup.order" Number,
         32  4 "iter.task.tid" Number,
         36  4 "iter.task.pid" Number,
         16  4 "netns.netns_ino" Number,
         20  4 "netns.attach_type" Number,
         16  4 "xdp.ifindex" Number,
         16  4 "struct_ops.map_id" Number,
         16  4 "netfilter.pf" Number,
         20  4 "netfilter.hooknum" Number,
         24  4 "netfilter.priority" Number,
         28  4 "netfilter.flags" Number,
         16  8 "kprobe_multi.addrs" Pointer,
         24  4 "kprobe_multi.count" Number,
         28  4 "kprobe_multi.flags" Number,
         32  8 "kprobe_multi.missed" Number,
         40  8 "kprobe_multi.cookies" Pointer,
         16  8 "uprobe_multi.path" Pointer,
         24  8 "uprobe_multi.offsets" Pointer,
         32  8 "uprobe_multi.ref_ctr_offsets" Pointer,
         40  8 "uprobe_multi.cookies" Pointer,
         48  4 "uprobe_multi.path_size" Number,
         52  4 "uprobe_multi.count" Number,
         56  4 "uprobe_multi.flags" Number,
         60  4 "uprobe_multi.pid" Number,
         16  4 "perf_event.type" Number,
         24  8 "perf_event.uprobe.file_name" Pointer,
         32  4 "perf_event.uprobe.name_len" Number,
         36  4 "perf_event.uprobe.offset" Number,
         40  8 "perf_event.uprobe.cookie" Number,
         48  8 "perf_event.uprobe.ref_ctr_offset" Number,
         24  8 "perf_event.kprobe.func_name" Pointer,
         32  4 "perf_event.kprobe.name_len" Number,
         36  4 "perf_event.kprobe.offset" Number,
         40  8 "perf_event.kprobe.addr" Number,
         48  8 "perf_event.kprobe.missed" Number,
         56  8 "perf_event.kprobe.cookie" Number,
         24  8 "perf_event.tracepoint.tp_name" Pointer,
         32  4 "perf_event.tracepoint.name_len" Number,
         40  8 "perf_event.tracepoint.cookie" Number,
         24  8 "perf_event.event.config" Number,
         32  4 "perf_event.event.type" Number,
         40  8 "perf_event.event.cookie" Number,
         16  4 "tcx.ifindex" Number,
         20  4 "tcx.attach_type" Number,
         16  4 "netkit.ifindex" Number,
         20  4 "netkit.attach_type" Number,
         16  4 "sockmap.map_id" Number,
         20  4 "sockmap.attach_type" Number,
    }
}
