//! Contexts of iterators: where the iteration stands, the sequence file, and the object it shows.

use osmia_btf::value::lookup_path;
use osmia_btf::{Body, Btf, TypeId};

use super::context::{Subject, kernel_structure};
use super::layout::{Buffer, Builder, Place};
use super::tree::{Node, Tree};

/// Fills the context for one object.
pub(super) fn fill<'a>(builder: &mut Builder<'a>, subject: Subject<'a>, ctx: Option<&'a Node>) {
    let target = subject.program.hook.target.as_deref().unwrap_or_default();
    let Some((btf, ty)) = kernel_structure(subject, &format!("bpf_iter__{target}")) else {
        if let Some(node) = ctx {
            builder.no_types(&node.span);
        }
        return;
    };
    builder.context = vec![0; btf.size_of(ty).unwrap_or(0) as usize];
    let meta = meta(builder, btf, ty);
    let Some(node) = ctx else { return };
    let Tree::Table(entries) = &node.value else {
        return builder.wrong(
            node,
            "this is no context",
            "a table: the object by its name",
        );
    };
    let place = Place::at(Buffer::Context, 0, ty);
    builder.members(btf, place, entries, &["meta"]);
    if let (Some((image, ty)), Some(entry)) = (meta, node.entry("meta")) {
        let place = Place::at(Buffer::Image(image), 0, ty);
        match &entry.value.value {
            Tree::Table(entries) => builder.members(btf, place, entries, &["seq"]),
            _ => builder.wrong(&entry.value, "this is no iteration", "a table"),
        }
    }
}

/// Where the iteration stands, with the sequence file that programs print to.
fn meta(builder: &mut Builder<'_>, btf: &Btf, ty: TypeId) -> Option<(usize, TypeId)> {
    let member = lookup_path(btf, ty, "meta").ok()?;
    let Body::Ptr(meta) = btf.resolve(member.ty).body() else {
        return None;
    };
    let image = builder.image("bpf_iter_meta", btf.size_of(meta)? as usize);
    builder.point(Buffer::Context, member.byte_offset() as usize, image);
    let file = lookup_path(btf, meta, "seq").ok()?;
    let Body::Ptr(sequence) = btf.resolve(file.ty).body() else {
        return None;
    };
    let bytes = btf.size_of(sequence).unwrap_or(8) as usize;
    let sequence = builder.image("seq_file", bytes);
    builder.point(Buffer::Image(image), file.byte_offset() as usize, sequence);
    builder.scene.sequence = Some(sequence);
    Some((image, meta))
}

/// How many objects a description names: one run each.
pub(super) fn objects(node: &Node) -> Option<&[Node]> {
    match &node.entry("objects")?.value.value {
        Tree::List(items) => Some(items),
        _ => None,
    }
}
