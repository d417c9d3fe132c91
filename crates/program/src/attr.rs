//! `union bpf_attr` as data: what each command of bpf(2) reads and writes where.
//!
//! Offsets are those of Linux 6.18; a test compares them with the running kernel's BTF. [`Request`] is
//! what a call asks, from bytes and to bytes. This module does not know what commands do.

mod call;
mod info;
mod request;
mod table;

use crate::abi::abi_enum;

pub use call::{Bpf, CallMemory};
pub use info::{BTF_INFO, InfoLayout, LINK_INFO, MAP_INFO, PROG_INFO};
pub use request::{Address, Fields, LinkDetail, known_part};
pub use table::*;

abi_enum! {
    /// A command of bpf(2) (`enum bpf_cmd`).
    Command, "BPF_" {
        MapCreate = 0 "map_create",
        MapLookupElem = 1 "map_lookup_elem",
        MapUpdateElem = 2 "map_update_elem",
        MapDeleteElem = 3 "map_delete_elem",
        MapGetNextKey = 4 "map_get_next_key",
        ProgLoad = 5 "prog_load",
        ObjPin = 6 "obj_pin",
        ObjGet = 7 "obj_get",
        ProgAttach = 8 "prog_attach",
        ProgDetach = 9 "prog_detach",
        ProgTestRun = 10 "prog_test_run",
        ProgGetNextId = 11 "prog_get_next_id",
        MapGetNextId = 12 "map_get_next_id",
        ProgGetFdById = 13 "prog_get_fd_by_id",
        MapGetFdById = 14 "map_get_fd_by_id",
        ObjGetInfoByFd = 15 "obj_get_info_by_fd",
        ProgQuery = 16 "prog_query",
        RawTracepointOpen = 17 "raw_tracepoint_open",
        BtfLoad = 18 "btf_load",
        BtfGetFdById = 19 "btf_get_fd_by_id",
        TaskFdQuery = 20 "task_fd_query",
        MapLookupAndDeleteElem = 21 "map_lookup_and_delete_elem",
        MapFreeze = 22 "map_freeze",
        BtfGetNextId = 23 "btf_get_next_id",
        MapLookupBatch = 24 "map_lookup_batch",
        MapLookupAndDeleteBatch = 25 "map_lookup_and_delete_batch",
        MapUpdateBatch = 26 "map_update_batch",
        MapDeleteBatch = 27 "map_delete_batch",
        LinkCreate = 28 "link_create",
        LinkUpdate = 29 "link_update",
        LinkGetFdById = 30 "link_get_fd_by_id",
        LinkGetNextId = 31 "link_get_next_id",
        EnableStats = 32 "enable_stats",
        IterCreate = 33 "iter_create",
        LinkDetach = 34 "link_detach",
        ProgBindMap = 35 "prog_bind_map",
        TokenCreate = 36 "token_create",
        ProgStreamReadByFd = 37 "prog_stream_read_by_fd",
    }
}

/// Bytes of the union.
pub const ATTR_BYTES: usize = 168;

/// Most bytes a caller may hand over: a page.
pub const ATTR_BYTES_MAX: usize = 4096;

/// What a command finds in its attributes.
#[derive(Debug, PartialEq, Eq)]
pub struct AttrLayout {
    /// The member of the union its fields are in; empty if they are in an unnamed one.
    pub part: &'static str,
    /// The fields, the kernel's last one included.
    pub fields: &'static [AttrField],
}

/// A field of the attributes.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct AttrField {
    /// Its name, inside of `part`.
    pub name: &'static str,
    /// Where it starts.
    pub offset: usize,
    /// Its bytes.
    pub bytes: usize,
    /// What it holds.
    pub role: Role,
}

/// What a field holds.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// A number, an id, flags.
    Number,
    /// A file descriptor.
    Fd,
    /// An address in the caller's memory.
    Pointer,
    /// Text, zeroes behind it.
    Name,
}

impl AttrLayout {
    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&'static AttrField> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Where the last field ends. The kernel refuses bytes behind that are not zero (`CHECK_ATTR`).
    pub const fn end(&self) -> usize {
        let mut end = 0;
        let mut rest = self.fields;
        while let [field, behind @ ..] = rest {
            if field.offset + field.bytes > end {
                end = field.offset + field.bytes;
            }
            rest = behind;
        }
        end
    }
}

/// The attributes of one call: the whole union, whatever size the caller knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attr {
    command: Command,
    layout: &'static AttrLayout,
    bytes: [u8; ATTR_BYTES],
}

impl Attr {
    /// From what the caller handed over; missing bytes are zero, those behind the union are dropped.
    pub fn new(command: Command, given: &[u8]) -> Self {
        let mut bytes = [0; ATTR_BYTES];
        let known = given.len().min(ATTR_BYTES);
        bytes[..known].copy_from_slice(&given[..known]);
        Self {
            command,
            layout: layout(command),
            bytes,
        }
    }

    /// The command they are for.
    pub const fn command(&self) -> Command {
        self.command
    }

    /// The union.
    pub fn bytes(&self) -> &[u8; ATTR_BYTES] {
        &self.bytes
    }

    /// True if nothing is set behind the command's last field.
    pub fn is_within_layout(&self) -> bool {
        self.bytes[self.layout.end()..]
            .iter()
            .all(|&byte| byte == 0)
    }

    /// The bytes of a field.
    ///
    /// # Panics
    /// If the command has no such field.
    pub fn field(&self, name: &str) -> &[u8] {
        let field = self.expect(name);
        &self.bytes[field.offset..field.offset + field.bytes]
    }

    /// A field as a number.
    ///
    /// # Panics
    /// If the command has no such field.
    pub fn number(&self, name: &str) -> u64 {
        let field = self.field(name);
        let mut bytes = [0; 8];
        bytes[..field.len()].copy_from_slice(field);
        u64::from_le_bytes(bytes)
    }

    /// A field of four bytes.
    ///
    /// # Panics
    /// If the command has no such field.
    pub fn u32(&self, name: &str) -> u32 {
        self.number(name) as u32
    }

    /// Sets a field, cut to its size.
    ///
    /// # Panics
    /// If the command has no such field.
    pub fn set(&mut self, name: &str, value: u64) {
        let field = self.expect(name);
        self.bytes[field.offset..field.offset + field.bytes]
            .copy_from_slice(&value.to_le_bytes()[..field.bytes]);
    }

    /// Sets bytes, whatever field they belong to.
    ///
    /// # Panics
    /// If they lie outside of the union.
    pub fn put(&mut self, offset: usize, bytes: &[u8]) {
        self.bytes[offset..offset + bytes.len()].copy_from_slice(bytes);
    }

    /// Where a field lies.
    ///
    /// # Panics
    /// If the command has no such field.
    pub fn expect(&self, name: &str) -> &'static AttrField {
        self.layout
            .field(name)
            .unwrap_or_else(|| panic!("no field {name} among these attributes"))
    }
}
