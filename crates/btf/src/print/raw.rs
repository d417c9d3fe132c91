//! The records one by one, in the words and with the JSON keys of `bpftool btf dump format raw`.
//!
//! One difference from bpftool 7.1 is meant: its JSON sign-extends unsigned 32-bit enumerators to 64
//! bits, so that 0x80000000 appears as 18446744071562067968.

use std::fmt::{Result, Write};

use serde_json::{Map, Value as Json, json};

use crate::{Body, Btf, Enumeration, FwdKind, Int, Kind, Linkage, Type, TypeId};

/// Own types of `btf` as text, or only `roots`.
pub fn dump_raw(btf: &Btf, roots: Option<&[TypeId]>) -> String {
    let mut text = String::new();
    for ty in selected(btf, roots) {
        // Writing to a string cannot fail.
        let _ = write_type(&mut text, ty);
        text.push('\n');
    }
    text
}

/// Own types of `btf` as JSON, or only `roots`.
pub fn dump_raw_json(btf: &Btf, roots: Option<&[TypeId]>) -> Json {
    json!({ "types": selected(btf, roots).map(json_type).collect::<Vec<_>>() })
}

fn selected<'a>(
    btf: &'a Btf,
    roots: Option<&'a [TypeId]>,
) -> Box<dyn Iterator<Item = Type<'a>> + 'a> {
    match roots {
        Some(roots) => Box::new(roots.iter().filter_map(|id| btf.ty(*id))),
        None => Box::new(btf.own_types()),
    }
}

fn shown(name: &str) -> &str {
    if name.is_empty() { "(anon)" } else { name }
}

/// The kind's name, as bpftool says it.
fn kind(ty: Type<'_>) -> &'static str {
    match ty.kind() {
        Kind::Void => "UNKNOWN",
        kind => kind.name(),
    }
}

fn encoding(int: &Int) -> &'static str {
    match int.encoding {
        0 => "(none)",
        Int::SIGNED => "SIGNED",
        Int::CHAR => "CHAR",
        Int::BOOL => "BOOL",
        _ => "UNKN",
    }
}

fn linkage(linkage: Linkage) -> &'static str {
    match linkage {
        Linkage::Static => "static",
        Linkage::Global => "global",
        Linkage::Extern => "extern",
        Linkage::Other(_) => "(unknown)",
    }
}

fn sign(enumeration: &Enumeration<'_>) -> &'static str {
    if enumeration.signed {
        "SIGNED"
    } else {
        "UNSIGNED"
    }
}

fn fwd(kind: FwdKind) -> &'static str {
    match kind {
        FwdKind::Struct => "struct",
        FwdKind::Union => "union",
    }
}

fn component(component: Option<u32>) -> i64 {
    component.map_or(-1, i64::from)
}

fn write_type(out: &mut String, ty: Type<'_>) -> Result {
    let btf = ty.btf();
    write!(out, "{} {} '{}'", ty.id(), kind(ty), shown(ty.name()))?;
    match ty.body() {
        Body::Void => Ok(()),
        Body::Int(int) => write!(
            out,
            " size={} bits_offset={} nr_bits={} encoding={}",
            int.size,
            int.offset,
            int.bits,
            encoding(&int)
        ),
        Body::Ptr(id)
        | Body::Typedef(id)
        | Body::Volatile(id)
        | Body::Const(id)
        | Body::Restrict(id)
        | Body::TypeTag(id) => write!(out, " type_id={}", id.0),
        Body::Array(array) => write!(
            out,
            " type_id={} index_type_id={} nr_elems={}",
            array.element.0, array.index.0, array.len
        ),
        Body::Struct(composite) | Body::Union(composite) => {
            write!(out, " size={} vlen={}", composite.size, composite.len())?;
            for member in composite.members() {
                write!(
                    out,
                    "\n\t'{}' type_id={} bits_offset={}",
                    shown(member.name),
                    member.ty.0,
                    member.bit_offset
                )?;
                if member.bitfield_bits != 0 {
                    write!(out, " bitfield_size={}", member.bitfield_bits)?;
                }
            }
            Ok(())
        }
        Body::Enum(enumeration) | Body::Enum64(enumeration) => {
            write!(
                out,
                " encoding={} size={} vlen={}",
                sign(&enumeration),
                enumeration.size,
                enumeration.len()
            )?;
            let suffix = match (ty.kind(), enumeration.signed) {
                (Kind::Enum64, true) => "LL",
                (Kind::Enum64, false) => "ULL",
                _ => "",
            };
            for enumerator in enumeration.enumerators() {
                write!(
                    out,
                    "\n\t'{}' val={}{suffix}",
                    shown(enumerator.name),
                    enumerator.value()
                )?;
            }
            Ok(())
        }
        Body::Fwd(kind) => write!(out, " fwd_kind={}", fwd(kind)),
        Body::Func(func) => write!(
            out,
            " type_id={} linkage={}",
            func.proto.0,
            linkage(func.linkage)
        ),
        Body::FuncProto(proto) => {
            write!(out, " ret_type_id={} vlen={}", proto.result.0, proto.len())?;
            for param in proto.params() {
                write!(out, "\n\t'{}' type_id={}", shown(param.name), param.ty.0)?;
            }
            Ok(())
        }
        Body::Var(var) => write!(
            out,
            " type_id={}, linkage={}",
            var.ty.0,
            linkage(var.linkage)
        ),
        Body::DataSec(section) => {
            write!(out, " size={} vlen={}", section.size, section.len())?;
            for var in section.vars() {
                let symbol = btf.type_at(var.var);
                write!(
                    out,
                    "\n\ttype_id={} offset={} size={} ({} '{}')",
                    var.var.0,
                    var.offset,
                    var.size,
                    symbol.kind(),
                    shown(symbol.name())
                )?;
            }
            Ok(())
        }
        Body::Float(size) => write!(out, " size={size}"),
        Body::DeclTag(tag) => write!(
            out,
            " type_id={} component_idx={}",
            tag.target.0,
            component(tag.component)
        ),
    }
}

fn json_type(ty: Type<'_>) -> Json {
    let mut map = Map::new();
    let mut put = |key: &str, value: Json| {
        map.insert(key.to_owned(), value);
    };
    put("id", ty.id().0.into());
    put("kind", kind(ty).into());
    put("name", shown(ty.name()).into());
    match ty.body() {
        Body::Void => {}
        Body::Int(int) => {
            put("size", int.size.into());
            put("bits_offset", int.offset.into());
            put("nr_bits", int.bits.into());
            put("encoding", encoding(&int).into());
        }
        Body::Ptr(id)
        | Body::Typedef(id)
        | Body::Volatile(id)
        | Body::Const(id)
        | Body::Restrict(id)
        | Body::TypeTag(id) => put("type_id", id.0.into()),
        Body::Array(array) => {
            put("type_id", array.element.0.into());
            put("index_type_id", array.index.0.into());
            put("nr_elems", array.len.into());
        }
        Body::Struct(composite) | Body::Union(composite) => {
            put("size", composite.size.into());
            put("vlen", composite.len().into());
            let members = composite.members().map(|member| {
                let mut json = json!({
                    "name": shown(member.name),
                    "type_id": member.ty.0,
                    "bits_offset": member.bit_offset,
                });
                if member.bitfield_bits != 0 {
                    json["bitfield_size"] = member.bitfield_bits.into();
                }
                json
            });
            put("members", members.collect());
        }
        Body::Enum(enumeration) | Body::Enum64(enumeration) => {
            put("encoding", sign(&enumeration).into());
            put("size", enumeration.size.into());
            put("vlen", enumeration.len().into());
            let values = enumeration.enumerators().map(|enumerator| {
                let value: Json = if enumerator.signed {
                    (enumerator.bits as i64).into()
                } else {
                    enumerator.bits.into()
                };
                json!({ "name": shown(enumerator.name), "val": value })
            });
            put("values", values.collect());
        }
        Body::Fwd(kind) => put("fwd_kind", fwd(kind).into()),
        Body::Func(func) => {
            put("type_id", func.proto.0.into());
            put("linkage", linkage(func.linkage).into());
        }
        Body::FuncProto(proto) => {
            put("ret_type_id", proto.result.0.into());
            put("vlen", proto.len().into());
            let params = proto
                .params()
                .map(|param| json!({ "name": shown(param.name), "type_id": param.ty.0 }));
            put("params", params.collect());
        }
        Body::Var(var) => {
            put("type_id", var.ty.0.into());
            put("linkage", linkage(var.linkage).into());
        }
        Body::DataSec(section) => {
            put("size", section.size.into());
            put("vlen", section.len().into());
            let vars = section
                .vars()
                .map(|var| json!({ "type_id": var.var.0, "offset": var.offset, "size": var.size }));
            put("vars", vars.collect());
        }
        Body::Float(size) => put("size", size.into()),
        Body::DeclTag(tag) => {
            put("type_id", tag.target.0.into());
            put("component_idx", component(tag.component).into());
        }
    }
    Json::Object(map)
}
