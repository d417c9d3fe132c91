//! Variables of the kernel by name: a value, or a list with a value for each CPU.

use osmia_btf::{Body, Kind};
use osmia_program::Holder;

use super::layout::{Buffer, Builder, Place};
use super::tree::{Entry, Node, Tree};
use crate::codes;

/// Fills the variables that are described.
pub(super) fn fill<'a>(builder: &mut Builder<'a>, entries: &'a [Entry]) {
    for entry in entries {
        let Some(kernel) = builder.kernel else {
            return builder.no_types(&entry.span);
        };
        let found = kernel.find(&entry.name, Kind::Var);
        let Some(Body::Var(var)) = found.map(|id| kernel.type_at(id).body()) else {
            let message = format!("the kernel's types have no variable `{}`", entry.name);
            builder.complain(codes::CTX_NAME, &entry.span, message, "unknown name");
            continue;
        };
        let is_array = kernel.resolve(var.ty).kind() == Kind::Array;
        let values: Vec<(Holder, &Node)> = match &entry.value.value {
            Tree::List(items) if !is_array => {
                let cpus = (0..).map(Holder::Cpu);
                cpus.zip(items).collect()
            }
            _ => vec![(Holder::Everybody, &entry.value)],
        };
        let bytes = kernel.size_of(var.ty).unwrap_or(0) as usize;
        for (of, value) in values {
            let image = builder.image(&entry.name, bytes);
            builder.scene.images[image].variable = Some(of);
            builder.value(kernel, Place::at(Buffer::Image(image), 0, var.ty), value);
        }
    }
}
