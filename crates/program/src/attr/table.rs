//! The rows: structures, the commands that are given them, the part of the union they lie in, their fields.
//!
//! The one definition of where things lie. Names for those who go by name ([`layout`]), the typed structures, reading them
//! from bytes and writing them into bytes all come from these rows.

use super::Role::{Fd, Name, Number, Pointer};
use super::request::{Fields, LinkDetail, Value};
use super::{ATTR_BYTES, Address, Attr, AttrField, AttrLayout, Command};

/// The type of a field, by its bytes and role.
macro_rules! value {
    (4 Number) => {
        u32
    };
    (8 Number) => {
        u64
    };
    (4 Fd) => {
        i32
    };
    (8 Pointer) => {
        Address
    };
    (16 Name) => {
        [u8; 16]
    };
}

/// A structure of these fields that can be read from the union and written into it.
macro_rules! structure {
    ($(#[$meta:meta])* $name:ident { $($offset:literal $bytes:tt $field:ident $role:ident,)+ } $($rest:ident $union:ident)?) => {
        $(#[$meta])*
        #[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
        pub struct $name {
            $(#[doc = concat!("`", stringify!($field), "`.")] pub $field: value!($bytes $role),)+
            $(/// The union behind them. What lies there depends on the program.
            pub $rest: $union,)?
        }

        impl Fields for $name {
            fn read(union: &[u8; ATTR_BYTES]) -> Self {
                Self {
                    $($field: Value::read(&union[$offset..$offset + $bytes]),)+
                    $($rest: Fields::read(union),)?
                }
            }

            fn write(&self, union: &mut [u8; ATTR_BYTES]) {
                $(self.$field.write(&mut union[$offset..$offset + $bytes]);)+
                $(self.$rest.write(union);)?
            }
        }
    };
}

/// Declares everything: each structure, its commands, the name of their part of the union (empty if it has none), and each
/// field's offset, bytes, name and role, with the other name some have; then the members of the union that ends some.
macro_rules! layouts {
    ($(
        $(#[$meta:meta])* $name:ident of $($command:ident)+, $part:literal {
            $($offset:literal $bytes:tt $field:ident $role:ident $(| $other:ident $other_role:ident)?,)+
        } $(-> $rest:ident $union:ident {
            $($(#[$member_meta:meta])* $member:ident $prefix:literal {
                $($at:literal $size:tt $inner:ident $inner_role:ident $(| $alias:ident $alias_role:ident)?,)+
            })+
        })?
    )+) => {
        /// What a command finds in its attributes.
        pub const fn layout(command: Command) -> &'static AttrLayout {
            match command {
                $($(Command::$command)|+ => const { &AttrLayout {
                    part: $part,
                    fields: &[
                        $(
                            AttrField { name: plain(stringify!($field)), offset: $offset, bytes: $bytes, role: $role },
                            $(AttrField { name: stringify!($other), offset: $offset, bytes: $bytes, role: $other_role },)?
                        )+
                        $($($(
                            AttrField { name: concat!($prefix, stringify!($inner)), offset: $at, bytes: $size, role: $inner_role },
                            $(AttrField { name: concat!($prefix, stringify!($alias)), offset: $at, bytes: $size, role: $alias_role },)?
                        )+)+)?
                    ],
                } },)+
            }
        }

        $(
            structure! { $(#[$meta])* $name { $($offset $bytes $field $role,)+ } $($rest $union)? }
            $($(structure! { $(#[$member_meta])* $member { $($at $size $inner $inner_role,)+ } })+)?
        )+

        /// What a call asks: a command and its attributes as values. Nothing in them is judged, and addresses are not followed.
        #[derive(Copy, Clone, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the structures say what they are")]
        pub enum Request {
            $($($command($name),)+)+
        }

        impl Request {
            /// The command.
            pub const fn command(&self) -> Command {
                match self {
                    $($(Request::$command(_) => Command::$command,)+)+
                }
            }

            /// What attributes ask of their command.
            pub fn of(attr: &Attr) -> Request {
                match attr.command() {
                    $($(Command::$command => Request::$command(Fields::read(attr.bytes())),)+)+
                }
            }

            /// The whole union, everything else in it zero.
            pub fn attr(&self) -> Attr {
                let mut union = [0; ATTR_BYTES];
                match self {
                    $($(Request::$command(asked) => asked.write(&mut union),)+)+
                }
                Attr::new(self.command(), &union)
            }
        }
    };
}

/// A name without the mark that keywords need as names.
const fn plain(name: &'static str) -> &'static str {
    match name.as_bytes() {
        [b'r', b'#', ..] => name.split_at(2).1,
        _ => name,
    }
}

layouts! {
    /// What `BPF_MAP_CREATE` is given.
    MapCreate of MapCreate, "" {
          0  4 map_type Number,
          4  4 key_size Number,
          8  4 value_size Number,
         12  4 max_entries Number,
         16  4 map_flags Number,
         20  4 inner_map_fd Fd,
         24  4 numa_node Number,
         28 16 map_name Name,
         44  4 map_ifindex Number,
         48  4 btf_fd Fd,
         52  4 btf_key_type_id Number,
         56  4 btf_value_type_id Number,
         60  4 btf_vmlinux_value_type_id Number,
         64  8 map_extra Number,
         72  4 value_type_btf_obj_fd Fd,
         76  4 map_token_fd Fd,
         80  8 excl_prog_hash Pointer,
         88  4 excl_prog_hash_size Number,
    }
    /// An element of a map: looked up, stored, taken.
    MapElement of MapLookupElem MapUpdateElem MapLookupAndDeleteElem, "" {
          0  4 map_fd Fd,
          8  8 key Pointer,
         16  8 value Pointer,
         24  8 flags Number,
    }
    /// A key of a map.
    MapKey of MapDeleteElem, "" {
          0  4 map_fd Fd,
          8  8 key Pointer,
    }
    /// What `BPF_MAP_GET_NEXT_KEY` is given.
    MapNextKey of MapGetNextKey, "" {
          0  4 map_fd Fd,
          8  8 key Pointer,
         16  8 next_key Pointer,
    }
    /// What `BPF_PROG_LOAD` is given.
    ProgLoad of ProgLoad, "" {
          0  4 prog_type Number,
          4  4 insn_cnt Number,
          8  8 insns Pointer,
         16  8 license Pointer,
         24  4 log_level Number,
         28  4 log_size Number,
         32  8 log_buf Pointer,
         40  4 kern_version Number,
         44  4 prog_flags Number,
         48 16 prog_name Name,
         64  4 prog_ifindex Number,
         68  4 expected_attach_type Number,
         72  4 prog_btf_fd Fd,
         76  4 func_info_rec_size Number,
         80  8 func_info Pointer,
         88  4 func_info_cnt Number,
         92  4 line_info_rec_size Number,
         96  8 line_info Pointer,
        104  4 line_info_cnt Number,
        108  4 attach_btf_id Number,
        112  4 attach_prog_fd Fd | attach_btf_obj_fd Fd,
        116  4 core_relo_cnt Number,
        120  8 fd_array Pointer,
        128  8 core_relos Pointer,
        136  4 core_relo_rec_size Number,
        140  4 log_true_size Number,
        144  4 prog_token_fd Fd,
        148  4 fd_array_cnt Number,
        152  8 signature Pointer,
        160  4 signature_size Number,
        164  4 keyring_id Number,
    }
    /// An object and its path.
    ObjPath of ObjPin ObjGet, "" {
          0  8 pathname Pointer,
          8  4 bpf_fd Fd,
         12  4 file_flags Number,
         16  4 path_fd Fd,
    }
    /// What `BPF_PROG_ATTACH` and `BPF_PROG_DETACH` are given.
    ProgAttach of ProgAttach ProgDetach, "" {
          0  4 target_fd Fd | target_ifindex Number,
          4  4 attach_bpf_fd Fd,
          8  4 attach_type Number,
         12  4 attach_flags Number,
         16  4 replace_bpf_fd Fd,
         20  4 relative_fd Fd | relative_id Number,
         24  8 expected_revision Number,
    }
    /// What `BPF_PROG_TEST_RUN` is given.
    ProgTestRun of ProgTestRun, "test" {
          0  4 prog_fd Fd,
          4  4 retval Number,
          8  4 data_size_in Number,
         12  4 data_size_out Number,
         16  8 data_in Pointer,
         24  8 data_out Pointer,
         32  4 repeat Number,
         36  4 duration Number,
         40  4 ctx_size_in Number,
         44  4 ctx_size_out Number,
         48  8 ctx_in Pointer,
         56  8 ctx_out Pointer,
         64  4 flags Number,
         68  4 cpu Number,
         72  4 batch_size Number,
    }
    /// What a walk over ids is given.
    NextId of ProgGetNextId MapGetNextId BtfGetNextId LinkGetNextId, "" {
          0  4 start_id Number,
          4  4 next_id Number,
    }
    /// What `BPF_PROG_GET_FD_BY_ID` is given.
    ProgById of ProgGetFdById, "" {
          0  4 prog_id Number,
    }
    /// What `BPF_MAP_GET_FD_BY_ID` is given.
    MapById of MapGetFdById, "" {
          0  4 map_id Number,
          4  4 next_id Number,
          8  4 open_flags Number,
    }
    /// What `BPF_OBJ_GET_INFO_BY_FD` is given.
    ObjInfo of ObjGetInfoByFd, "info" {
          0  4 bpf_fd Fd,
          4  4 info_len Number,
          8  8 info Pointer,
    }
    /// What `BPF_PROG_QUERY` is given.
    ProgQuery of ProgQuery, "query" {
          0  4 target_fd Fd | target_ifindex Number,
          4  4 attach_type Number,
          8  4 query_flags Number,
         12  4 attach_flags Number,
         16  8 prog_ids Pointer,
         24  4 prog_cnt Number | count Number,
         32  8 prog_attach_flags Pointer,
         40  8 link_ids Pointer,
         48  8 link_attach_flags Pointer,
         56  8 revision Number,
    }
    /// What `BPF_RAW_TRACEPOINT_OPEN` is given.
    RawTracepointOpen of RawTracepointOpen, "raw_tracepoint" {
          0  8 name Pointer,
          8  4 prog_fd Fd,
         16  8 cookie Number,
    }
    /// What `BPF_BTF_LOAD` is given.
    BtfLoad of BtfLoad, "" {
          0  8 btf Pointer,
          8  8 btf_log_buf Pointer,
         16  4 btf_size Number,
         20  4 btf_log_size Number,
         24  4 btf_log_level Number,
         28  4 btf_log_true_size Number,
         32  4 btf_flags Number,
         36  4 btf_token_fd Fd,
    }
    /// What `BPF_BTF_GET_FD_BY_ID` is given.
    BtfById of BtfGetFdById, "" {
          0  4 btf_id Number,
          4  4 next_id Number,
          8  4 open_flags Number,
         12  4 fd_by_id_token_fd Fd,
    }
    /// What `BPF_TASK_FD_QUERY` is given.
    TaskFdQuery of TaskFdQuery, "task_fd_query" {
          0  4 pid Number,
          4  4 fd Fd,
          8  4 flags Number,
         12  4 buf_len Number,
         16  8 buf Pointer,
         24  4 prog_id Number,
         28  4 fd_type Number,
         32  8 probe_offset Number,
         40  8 probe_addr Number,
    }
    /// What `BPF_MAP_FREEZE` is given.
    MapFreeze of MapFreeze, "" {
          0  4 map_fd Fd,
    }
    /// Many elements of a map at once.
    MapBatch of MapLookupBatch MapLookupAndDeleteBatch MapUpdateBatch MapDeleteBatch, "batch" {
          0  8 in_batch Pointer,
          8  8 out_batch Pointer,
         16  8 keys Pointer,
         24  8 values Pointer,
         32  4 count Number,
         36  4 map_fd Fd,
         40  8 elem_flags Number,
         48  8 flags Number,
    }
    /// What `BPF_LINK_CREATE` is given.
    LinkCreate of LinkCreate, "link_create" {
          0  4 prog_fd Fd | map_fd Fd,
          4  4 target_fd Fd | target_ifindex Number,
          8  4 attach_type Number,
         12  4 flags Number,
    } -> detail LinkDetail {
        /// A type that is attached to, which lies where `tracing` has it.
        LinkTarget "" {
             16  4 target_btf_id Number,
        }
        /// What an iterator walks.
        LinkIter "" {
             16  8 iter_info Pointer,
             24  4 iter_info_len Number,
        }
        /// A program at an event.
        LinkPerfEvent "perf_event." {
             16  8 bpf_cookie Number,
        }
        /// A program at many functions of the kernel.
        LinkKprobeMulti "kprobe_multi." {
             16  4 flags Number,
             20  4 cnt Number,
             24  8 syms Pointer,
             32  8 addrs Pointer,
             40  8 cookies Pointer,
        }
        /// A program at a function of the kernel or of another program.
        LinkTracing "tracing." {
             16  4 target_btf_id Number,
             24  8 cookie Number,
        }
        /// A program at a hook of netfilter.
        LinkNetfilter "netfilter." {
             16  4 pf Number,
             20  4 hooknum Number,
             24  4 priority Number,
             28  4 flags Number,
        }
        /// A place among the programs of an interface.
        LinkTcx "tcx." {
             16  4 relative_fd Fd | relative_id Number,
             24  8 expected_revision Number,
        }
        /// A program at many places of a file.
        LinkUprobeMulti "uprobe_multi." {
             16  8 path Pointer,
             24  8 offsets Pointer,
             32  8 ref_ctr_offsets Pointer,
             40  8 cookies Pointer,
             48  4 cnt Number,
             52  4 flags Number,
             56  4 pid Number,
        }
        /// A place among the programs of a netkit device.
        LinkNetkit "netkit." {
             16  4 relative_fd Fd | relative_id Number,
             24  8 expected_revision Number,
        }
        /// A place among the programs of a control group.
        LinkCgroup "cgroup." {
             16  4 relative_fd Fd | relative_id Number,
             24  8 expected_revision Number,
        }
    }
    /// What `BPF_LINK_UPDATE` is given.
    LinkUpdate of LinkUpdate, "link_update" {
          0  4 link_fd Fd,
          4  4 new_prog_fd Fd | new_map_fd Fd,
          8  4 flags Number,
         12  4 old_prog_fd Fd | old_map_fd Fd,
    }
    /// What `BPF_LINK_GET_FD_BY_ID` is given.
    LinkById of LinkGetFdById, "" {
          0  4 link_id Number,
    }
    /// What `BPF_ENABLE_STATS` is given.
    EnableStats of EnableStats, "enable_stats" {
          0  4 r#type Number,
    }
    /// What `BPF_ITER_CREATE` is given.
    IterCreate of IterCreate, "iter_create" {
          0  4 link_fd Fd,
          4  4 flags Number,
    }
    /// What `BPF_LINK_DETACH` is given.
    LinkDetach of LinkDetach, "link_detach" {
          0  4 link_fd Fd,
    }
    /// What `BPF_PROG_BIND_MAP` is given.
    ProgBindMap of ProgBindMap, "prog_bind_map" {
          0  4 prog_fd Fd,
          4  4 map_fd Fd,
          8  4 flags Number,
    }
    /// What `BPF_TOKEN_CREATE` is given.
    TokenCreate of TokenCreate, "token_create" {
          0  4 flags Number,
          4  4 bpffs_fd Fd,
    }
    /// What `BPF_PROG_STREAM_READ_BY_FD` is given.
    StreamRead of ProgStreamReadByFd, "prog_stream_read" {
          0  8 stream_buf Pointer,
          8  4 stream_buf_len Number,
         12  4 stream_id Number,
         16  4 prog_fd Fd,
    }
}
