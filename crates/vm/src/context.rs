//! Loads and stores of context fields, as the kernel's rewriting gives them.

use osmia_program::context::{Context, ContextDenial, ContextValue};

use crate::checked::{Checked, region};
use crate::guest::Guest;
use crate::memory::Space;
use crate::trap::Cause;
use crate::world::World;

/// The offset in the context, if this address of the interpreter's is one there.
#[cold]
#[inline(never)]
pub(crate) fn offset(address: u64) -> Option<u64> {
    (Space::region_of(address) == region::CONTEXT)
        .then(|| address.wrapping_sub(Checked::context_address()))
}

/// Loads from an offset in a context with fields; `None` if the field does not allow it.
pub(crate) fn load<G: Guest>(memory: &G, world: &World, offset: u64, bytes: u32) -> Option<u64> {
    let Context::Fields(layout) = world.context.kind() else {
        return None;
    };
    let field = layout.access(offset, bytes, false).ok()?;
    match field.value {
        ContextValue::PacketStart => Some(memory.packet_address(world.packet.shown_start())),
        ContextValue::PacketEnd => Some(memory.packet_address(world.packet.shown_end())),
        ContextValue::PacketMeta => Some(memory.packet_address(world.packet.meta())),
        ContextValue::Pointer { .. } => Some(world.context.pointer(field.offset)),
        ContextValue::Scalar => {
            let mut value = [0; 8];
            let part = &mut value[..bytes as usize];
            world.context.block().read(0, offset as usize, part);
            Some(match bytes {
                1 => u64::from(value[0]),
                2 => u64::from(u16::from_ne_bytes([value[0], value[1]])),
                4 => u64::from(u32::from_ne_bytes([value[0], value[1], value[2], value[3]])),
                _ => u64::from_ne_bytes(value),
            })
        }
    }
}

/// Stores to an offset in a context with fields; `None` if the field does not allow it.
pub(crate) fn store(world: &World, offset: u64, bytes: u32, value: u64) -> Option<()> {
    let Context::Fields(layout) = world.context.kind() else {
        return None;
    };
    let field = layout.access(offset, bytes, true).ok()?;
    let Some(value) = kept(layout.name, field.name, value) else {
        return Some(());
    };
    let block = world.context.block();
    match bytes {
        1 => block.write(0, offset as usize, &(value as u8).to_ne_bytes()),
        2 => block.write(0, offset as usize, &(value as u16).to_ne_bytes()),
        4 => block.write(0, offset as usize, &(value as u32).to_ne_bytes()),
        _ => block.write(0, offset as usize, &value.to_ne_bytes()),
    }
    Some(())
}

/// What the kernel keeps of a number stored to a field; `None` if it takes no notice of it. Some
/// fields have four bytes in the UAPI and two in the kernel.
fn kept(structure: &str, field: &str, value: u64) -> Option<u64> {
    /// `NO_QUEUE_MAPPING`
    const NO_QUEUE: u32 = 0xffff;
    match (structure, field) {
        ("__sk_buff", "queue_mapping") if value as u32 >= NO_QUEUE => None,
        ("__sk_buff", "tc_index" | "tc_classid") | ("bpf_sock_addr", "user_port") => {
            Some(value & 0xffff)
        }
        _ => Some(value),
    }
}

/// Why an access to the context was denied, if it was one.
pub(crate) fn denial(world: &World, address: u64, bytes: u32, write: bool) -> Option<Cause> {
    let offset = offset(address)?;
    let Context::Fields(layout) = world.context.kind() else {
        return None;
    };
    let verb = if write { "written" } else { "read" };
    let why = match layout.access(offset, bytes, write).err()? {
        ContextDenial::NoField => "there is no such field".to_owned(),
        ContextDenial::Rights { field } => {
            format!("{field} cannot be {verb} at this hook")
        }
        ContextDenial::Partial { field, bytes } => {
            format!("{field} has {bytes} bytes and cannot be {verb} in this size")
        }
    };
    Some(Cause::Context {
        structure: layout.name,
        offset: offset as i64,
        bytes,
        write,
        why,
    })
}
