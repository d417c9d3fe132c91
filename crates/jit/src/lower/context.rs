//! Fields of the context where they lie: addresses are wider than their fields, so that they are
//! loaded from what the machine keeps of a run, as the kernel rewrites such loads.

use osmia_isa::Size;
use osmia_program::context::{Context, ContextValue, Fields, context};

use super::{Base, Lowered, Op, PacketField};
use crate::facts::Facts;
use crate::refused::{Refused, Unsupported};

/// Fields of which less is kept than programs store.
const NARROWED: [(&str, &str); 4] = [
    ("__sk_buff", "queue_mapping"),
    ("__sk_buff", "tc_index"),
    ("__sk_buff", "tc_classid"),
    ("bpf_sock_addr", "user_port"),
];

pub(super) fn rewrite(lowered: &mut Lowered, facts: &Facts) -> Result<(), Refused> {
    let program = &lowered.program;
    let fields = match context(&program.hook) {
        Context::Fields(fields) => fields,
        // Others lie in memory as programs see them.
        Context::Bytes(_) | Context::Arguments(_) => return Ok(()),
        Context::OfTarget | Context::Nothing => {
            let what = Unsupported::Kind(program.hook.kind);
            return Err(Refused::new(program, 0, what));
        }
    };
    for line in &mut lowered.lines {
        let slot = line.slot as usize;
        if facts.context[slot] {
            field(&fields, &mut line.op).map_err(|what| Refused::new(program, slot, what))?;
        }
    }
    Ok(())
}

/// Rewrites one access to a field.
fn field(fields: &Fields, op: &mut Op) -> Result<(), Unsupported> {
    match op {
        Op::Load {
            size, base, off, ..
        } => {
            let field = fields.field_at(*off as u64);
            let Some(field) = field else {
                return Err(Unsupported::ContextField("an unnamed field"));
            };
            let address = match field.value {
                ContextValue::Scalar => return Ok(()),
                ContextValue::PacketStart => PacketField::Start,
                ContextValue::PacketEnd => PacketField::End,
                ContextValue::PacketMeta => PacketField::Meta,
                ContextValue::Pointer { .. } => return Err(Unsupported::ContextField(field.name)),
            };
            (*size, *base, *off) = (Size::DW, Base::Packet(address), 0);
            Ok(())
        }
        Op::Store { off, .. } => match fields.field_at(*off as u64) {
            Some(field) if !NARROWED.contains(&(fields.name, field.name)) => Ok(()),
            Some(field) => Err(Unsupported::ContextField(field.name)),
            None => Err(Unsupported::ContextField("an unnamed field")),
        },
        _ => Ok(()),
    }
}
