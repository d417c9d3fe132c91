//! Fields of the context where they lie: addresses are wider than their fields, so that they are
//! loaded from what the machine keeps of a run, as the kernel rewrites such loads, or by the machine
//! itself, where there are many such fields.

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
        Context::Fields(fields) if !fields.in_place => fields,
        // Others lie in memory as programs see them.
        Context::Fields(_) | Context::Bytes(_) | Context::Arguments(_) => return Ok(()),
        Context::OfTarget | Context::Nothing => {
            let what = Unsupported::Kind(program.hook.kind);
            return Err(Refused::new(program, 0, what));
        }
    };
    let accesses = (facts.context.iter().enumerate()).filter(|(_, accesses)| **accesses);
    for (slot, _) in accesses {
        let line = &mut lowered.lines[lowered.places.of(slot as u32)];
        field(&fields, &mut line.op).map_err(|what| Refused::new(program, slot, what))?;
    }
    Ok(())
}

/// Rewrites one access to a field.
fn field(fields: &Fields, op: &mut Op) -> Result<(), Unsupported> {
    let named = |off: i32| {
        let field = fields.field_at(off as u64);
        field.ok_or(Unsupported::ContextField("an unnamed field"))
    };
    match *op {
        Op::Load {
            size,
            sign_extend,
            dst,
            base: Base::Reg(base),
            off,
        } => {
            let packet = |field| Op::Load {
                size: Size::DW,
                sign_extend,
                dst,
                base: Base::Packet(field),
                off: 0,
            };
            *op = match named(off)?.value {
                ContextValue::Scalar => return Ok(()),
                ContextValue::PacketStart => packet(PacketField::Start),
                ContextValue::PacketEnd => packet(PacketField::End),
                ContextValue::PacketMeta => packet(PacketField::Meta),
                ContextValue::Pointer { .. } => Op::FarLoad {
                    size,
                    sign_extend,
                    dst,
                    base,
                    off,
                },
            };
        }
        Op::Store {
            size,
            base,
            off,
            src,
        } if NARROWED.contains(&(fields.name, named(off)?.name)) => {
            *op = Op::FarStore {
                size,
                base,
                off,
                src,
            };
        }
        _ => {}
    }
    Ok(())
}
