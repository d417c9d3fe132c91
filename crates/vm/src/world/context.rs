//! The context of a run: its bytes in the UAPI's layout, and the addresses that stand in it.

use std::sync::Arc;

use osmia_program::context::{Class, Context, ContextValue, Fields, Pointee};
use osmia_program::{Role, context::context};

use super::InputError;
use crate::limits;
use crate::memory::Block;
use crate::stage::Stage;

/// Room for the arguments of an event that nobody described.
const ARGUMENTS_BYTES: usize = osmia_program::context::RAW_ARGUMENTS_MAX * 8;

/// The context of a run, in the UAPI's layout.
#[derive(Debug)]
pub struct ContextBytes {
    kind: Context,
    block: Arc<Block>,
    len: usize,
    /// Addresses that programs find in pointer fields, by offset. They are not in the bytes: those
    /// come from and go to whoever asked for the run.
    pointers: Vec<(u32, u64)>,
}

impl ContextBytes {
    /// None at all. `None` if memory is short.
    pub(super) fn new() -> Option<Self> {
        Some(Self {
            kind: Context::Nothing,
            block: Arc::new(Block::new(1, 256)?),
            len: 0,
            pointers: Vec::new(),
        })
    }

    /// Takes the bytes of a context; what they do not cover is zero, and no pointer is set.
    pub(super) fn fill(&mut self, role: Role, bytes: &[u8]) -> Result<(), InputError> {
        let kind = context(role);
        let (len, max) = match kind {
            Context::Fields(fields) => (fields.bytes as usize, input_bytes(&fields)),
            Context::Arguments(_) => (bytes.len().max(ARGUMENTS_BYTES), limits::CONTEXT_BYTES_MAX),
            Context::Bytes(record) => (
                bytes.len(),
                limits::CONTEXT_BYTES_MAX.min(record.end as usize),
            ),
            Context::OfTarget | Context::Nothing => {
                return Err(InputError::NoContext { kind: role.kind });
            }
        };
        if bytes.len() > max {
            return Err(InputError::ContextTooLong {
                len: bytes.len(),
                max,
            });
        }
        if len > self.block.window() {
            let block = Block::new(1, len.next_power_of_two()).ok_or(InputError::NoMemory)?;
            self.block = Arc::new(block);
        }
        self.kind = kind;
        self.len = len;
        self.block.clear(0);
        self.block.write(0, 0, bytes);
        self.pointers.clear();
        Ok(())
    }

    /// Writes addresses of described objects where the scene says.
    pub(super) fn link(&mut self, stage: &Stage) {
        for (offset, address) in stage.context_addresses() {
            let field = match self.kind {
                Context::Fields(fields) => fields.field_at(offset as u64),
                _ => None,
            };
            match field {
                Some(field) if matches!(field.value, ContextValue::Pointer { .. }) => {
                    self.point(field.name, address);
                }
                _ if offset + 8 <= self.len => {
                    self.block.write(0, offset, &address.to_ne_bytes());
                }
                _ => {}
            }
        }
    }

    /// What it is.
    pub fn kind(&self) -> Context {
        self.kind
    }

    /// Its fields, if it is this structure.
    pub fn structure(&self, name: &str) -> Option<Fields> {
        match self.kind {
            Context::Fields(fields) if fields.name == name => Some(fields),
            _ => None,
        }
    }

    /// Its memory.
    pub fn block(&self) -> &Arc<Block> {
        &self.block
    }

    /// Its bytes in use.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True without any.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Copies its first bytes out, as many as `out` has.
    pub fn copy_to(&self, out: &mut [u8]) {
        let len = out.len().min(self.len);
        self.block.read(0, 0, &mut out[..len]);
    }

    /// A four-byte field at an offset; 0 where there is none.
    pub fn u32_at(&self, offset: usize) -> u32 {
        let mut bytes = [0; 4];
        if offset + 4 <= self.len {
            self.block.read(0, offset, &mut bytes);
        }
        u32::from_ne_bytes(bytes)
    }

    /// A four-byte field by name; 0 if the context has none.
    pub fn field(&self, name: &str) -> u32 {
        let Context::Fields(layout) = self.kind else {
            return 0;
        };
        layout
            .field(name)
            .map_or(0, |field| self.u32_at(field.offset as usize))
    }

    /// Sets a four-byte field by name, if the context has it.
    pub fn set(&self, field: &str, value: u32) {
        self.set_bytes(field, &value.to_ne_bytes());
    }

    /// Sets the first bytes of a field by name, if the context has it.
    pub fn set_bytes(&self, field: &str, bytes: &[u8]) {
        let Context::Fields(layout) = self.kind else {
            return;
        };
        if let Some(field) = layout.field(field)
            && field.offset as usize + bytes.len() <= self.len
        {
            self.block.write(0, field.offset as usize, bytes);
        }
    }

    /// Sets a four-byte field by name that holds zero so far.
    pub(super) fn default(&self, field: &str, value: u32) {
        if self.field(field) == 0 {
            self.set(field, value);
        }
    }

    /// Makes a pointer field hold an address until the next input; false if there is no such field.
    pub fn point(&mut self, field: &str, address: u64) -> bool {
        let Context::Fields(layout) = self.kind else {
            return false;
        };
        let Some(field) = layout.field(field) else {
            return false;
        };
        self.pointers.retain(|(offset, _)| *offset != field.offset);
        self.pointers.push((field.offset, address));
        true
    }

    /// Whether it points to a socket, and if so whether always.
    pub(super) fn has_socket(&self) -> Option<bool> {
        let Context::Fields(layout) = self.kind else {
            return None;
        };
        match layout.field("sk")?.value {
            // That of a lookup is what programs choose.
            _ if layout.name == "bpf_sk_lookup" => None,
            ContextValue::Pointer {
                to: Pointee::Socket | Pointee::SockCommon,
                or_null,
                // Test runs make one for a packet.
            } => Some(!or_null || self.is_packet_view()),
            _ => None,
        }
    }

    /// The address in the pointer field of a name; null if there is none.
    pub fn pointer_named(&self, field: &str) -> u64 {
        let Context::Fields(layout) = self.kind else {
            return 0;
        };
        let field = layout.field(field);
        field.map_or(0, |field| self.pointer(field.offset))
    }

    /// The address in the pointer field at an offset; null if none was set.
    pub fn pointer(&self, offset: u32) -> u64 {
        let known = self.pointers.iter().find(|(known, _)| *known == offset);
        known.map_or(0, |(_, address)| *address)
    }

    /// True if the context is a view of a packet's buffer.
    pub(super) fn is_packet_view(&self) -> bool {
        matches!(self.kind, Context::Fields(fields) if fields.name == "__sk_buff")
    }

    /// True for flow dissectors.
    pub(crate) fn is_flow(&self) -> bool {
        matches!(self.kind, Context::Fields(fields) if fields.class() == Class::FLOW)
    }
}

/// The most bytes that stand for a structure. A flow dissector's context is its keys.
fn input_bytes(fields: &Fields) -> usize {
    if fields.class() == Class::FLOW {
        return super::flow::KEYS_BYTES;
    }
    fields.bytes as usize
}
