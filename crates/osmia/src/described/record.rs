//! Contexts that are records of a tracepoint.

use osmia_btf::value::lookup_path;
use osmia_btf::{Btf, TypeId};

use super::context::{Subject, kernel_structure};
use super::layout::{Buffer, Builder, Place, raw_bytes};
use super::tree::{Node, Tree};

/// What the names of fields with a varying length begin with: theirs hold offset and length.
const LOCATION: &str = "__data_loc_";

/// The kernel's structure for an event by its name.
fn structure_name(target: &str) -> String {
    let (category, event) = target.split_once('/').unwrap_or(("", target));
    match (category, event) {
        // One structure for every system call.
        ("syscalls", event) if event.starts_with("sys_enter") => "trace_event_raw_sys_enter".into(),
        ("syscalls", event) if event.starts_with("sys_exit") => "trace_event_raw_sys_exit".into(),
        _ => format!("trace_event_raw_{event}"),
    }
}

/// Fills the context.
pub(super) fn fill<'a>(builder: &mut Builder<'a>, subject: Subject<'a>, ctx: Option<&'a Node>) {
    let target = subject.program.hook.target.as_deref().unwrap_or_default();
    let name = structure_name(target);
    let Some((btf, ty)) = kernel_structure(subject, &name) else {
        // Room for the fields programs commonly look at.
        builder.context = vec![0; 64];
        if let Some(node) = ctx {
            builder.wrong(
                node,
                format!("the fields of `{target}` are not known"),
                "`hex:` and digits, as neither the kernel's types nor the program say",
            );
        }
        return;
    };
    builder.context = vec![0; btf.size_of(ty).unwrap_or(0) as usize];
    let Some(node) = ctx else { return };
    let Tree::Table(entries) = &node.value else {
        return builder.wrong(node, "this is no record", "a table of its fields");
    };
    let mut special = Vec::new();
    for entry in entries {
        let is_call = name.starts_with("trace_event_raw_sys_enter");
        if let Some(at) = location(btf, ty, &entry.name) {
            varying(builder, at, &entry.value);
        } else if is_call && let ("args", Tree::List(items)) = (&*entry.name, &entry.value.value) {
            let start = lookup_path(btf, ty, "args").map_or(16, |spot| spot.byte_offset() as usize);
            for (index, item) in items.iter().take(6).enumerate() {
                // System calls are given addresses of the process.
                builder.untyped_users(Buffer::Context, start + index * 8, item);
            }
        } else {
            continue;
        }
        special.push(entry.name.as_str());
    }
    builder.members(btf, Place::at(Buffer::Context, 0, ty), entries, &special);
}

/// Where a field of varying length says where it lies.
fn location(btf: &Btf, ty: TypeId, name: &str) -> Option<usize> {
    let spot = lookup_path(btf, ty, &format!("{LOCATION}{name}")).ok()?;
    Some(spot.byte_offset() as usize)
}

/// Puts a value behind the record and its place into the record.
fn varying(builder: &mut Builder<'_>, at: usize, node: &Node) {
    let Tree::Text(text) = &node.value else {
        return builder.wrong(node, "this field has a varying length", "text");
    };
    match raw_bytes(text) {
        Ok(mut bytes) => {
            if !text.starts_with(super::layout::HEX) {
                bytes.push(0);
            }
            let word = (bytes.len() as u32) << 16 | builder.context.len() as u32;
            builder.context.extend(bytes);
            builder.context[at..at + 4].copy_from_slice(&word.to_ne_bytes());
        }
        Err(message) => builder.wrong(node, message, "pairs of digits"),
    }
}
