//! Functions that a trampoline can stand in front of, by their prototype (`btf_distill_func_proto`).

use osmia_btf::{Body, Btf, Kind, TypeId};

use super::refused;
use crate::reject::Check;

/// Most arguments a trampoline hands on.
const ARGUMENTS_MAX: usize = 12;
/// Arguments of two registers are the widest.
const ARGUMENT_BYTES_MAX: u64 = 16;

/// Refuses a function whose arguments or result a trampoline cannot hand on.
pub(super) fn check(btf: &Btf, name: &str, function: TypeId) -> Check {
    let Body::Func(function) = btf.type_at(function).body() else {
        return Ok(());
    };
    let Body::FuncProto(proto) = btf.type_at(function.proto).body() else {
        return Ok(());
    };
    let count = proto.params().len();
    if count > ARGUMENTS_MAX {
        return refused(format!(
            "The function {name} has {count} arguments. Too many."
        ));
    }
    let word = |ty| format!("{:?}", btf.resolve(ty).kind()).to_uppercase();
    let result = proto.result;
    let whole = btf.resolve(result).kind() == Kind::Struct;
    if result != TypeId::VOID && (whole || register_bytes(btf, result).is_none()) {
        let kind = word(result);
        return refused(format!(
            "The function {name} return type {kind} is unsupported."
        ));
    }
    for (index, param) in proto.params().enumerate() {
        if param.ty == TypeId::VOID && index + 1 == count {
            return refused(format!(
                "The function {name} with variable args is unsupported."
            ));
        }
        match register_bytes(btf, param.ty) {
            Some(1..=ARGUMENT_BYTES_MAX) => {}
            Some(0) => {
                return refused(format!("The function {name} has malformed void argument."));
            }
            _ => {
                let kind = word(param.ty);
                return refused(format!(
                    "The function {name} arg{index} type {kind} is unsupported."
                ));
            }
        }
    }
    Ok(())
}

/// How many bytes a value takes that registers hold.
fn register_bytes(btf: &Btf, ty: TypeId) -> Option<u64> {
    let resolved = btf.resolve(ty);
    match resolved.kind() {
        Kind::Void => Some(0),
        Kind::Ptr => Some(8),
        Kind::Int | Kind::Enum | Kind::Enum64 | Kind::Struct => btf.size_of(resolved.id()),
        _ => None,
    }
}
