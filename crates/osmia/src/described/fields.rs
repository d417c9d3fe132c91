//! Contexts with UAPI fields.

use std::net::{Ipv4Addr, Ipv6Addr};

use osmia_program::ProgramKind;
use osmia_program::context::{
    Context, ContextField, ContextLayout, ContextValue, Pointee, context,
};

use super::layout::{Buffer, Builder, find_type, raw_bytes};
use super::tree::{Entry, Node, Tree};
use crate::codes;

/// How people write the number in a field.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// As it is.
    Number,
    /// An IPv4 address in the order of the network.
    Ip4,
    /// An IPv6 address: four words.
    Ip6,
    /// A port in the order of the network, in the first two bytes.
    Port16,
    /// A port in the order of the network, in the last two bytes.
    Port32,
}

/// How a field is written. Ports that are not listed are plain numbers, as `local_port` always is.
pub(crate) fn spelling(structure: &str, field: &str) -> Spelling {
    match (structure, field) {
        (_, "user_ip4" | "msg_src_ip4" | "remote_ip4" | "local_ip4" | "src_ip4" | "dst_ip4") => {
            Spelling::Ip4
        }
        (_, "user_ip6" | "msg_src_ip6" | "remote_ip6" | "local_ip6" | "src_ip6" | "dst_ip6") => {
            Spelling::Ip6
        }
        ("bpf_sock_addr", "user_port") | ("bpf_sock", "dst_port") => Spelling::Port16,
        ("bpf_sk_lookup", "remote_port") => Spelling::Port16,
        ("bpf_sock_ops" | "sk_msg_md" | "__sk_buff", "remote_port") => Spelling::Port32,
        _ => Spelling::Number,
    }
}

/// Fills the context; what is not named is zero.
pub(super) fn fill<'a>(
    builder: &mut Builder<'a>,
    layout: &'static ContextLayout,
    ctx: Option<&'a Node>,
) {
    builder.context = vec![0; layout.bytes as usize];
    if let Some(node) = ctx {
        structure(builder, layout, Buffer::Context, node);
    }
}

/// Fills a UAPI structure.
fn structure<'a>(
    builder: &mut Builder<'a>,
    layout: &'static ContextLayout,
    buffer: Buffer,
    node: &'a Node,
) {
    let Tree::Table(entries) = &node.value else {
        return builder.wrong(node, "this is no structure", "a table of fields");
    };
    members(builder, layout, buffer, entries, &[]);
}

/// Fills members of a UAPI structure; names in `others` mean something else.
pub(super) fn members<'a>(
    builder: &mut Builder<'a>,
    layout: &'static ContextLayout,
    buffer: Buffer,
    entries: &'a [Entry],
    others: &[&str],
) {
    for entry in entries {
        if others.contains(&entry.name.as_str()) {
            continue;
        }
        match layout.field(&entry.name) {
            Some(field) => write(builder, layout, field, buffer, entry),
            None if entry.name == "args" && layout.field("args[1]").is_some() => {
                elements(builder, 4, 4, Buffer::Context, 4, &entry.value);
            }
            None => {
                let names = layout.fields.iter().map(|field| field.name);
                let names = names.chain(others.iter().copied());
                builder.unknown(entry, &format!("`{}`", layout.name), names);
            }
        }
    }
}

fn write<'a>(
    builder: &mut Builder<'a>,
    layout: &ContextLayout,
    field: &ContextField,
    buffer: Buffer,
    entry: &'a Entry,
) {
    let node = &entry.value;
    let (start, size) = (field.offset as usize, field.bytes as usize);
    let range = start..start + size * field.count as usize;
    match field.value {
        ContextValue::Scalar => {}
        ContextValue::Pointer { to, .. } => return pointer(builder, to, buffer, start, node),
        ContextValue::PacketStart => {
            builder.data = super::event::bytes(builder, node);
            return;
        }
        ContextValue::PacketEnd | ContextValue::PacketMeta => {
            let message = format!("`{}` is an address of the host's", field.name);
            builder.complain(codes::CTX_VALUE, &entry.span, message, "cannot be given");
            return;
        }
    }
    match (&node.value, spelling(layout.name, field.name)) {
        (Tree::Text(text), Spelling::Ip4) => match text.parse::<Ipv4Addr>() {
            Ok(address) => builder.bytes(buffer)[range].copy_from_slice(&address.octets()),
            Err(_) => builder.wrong(node, "this is no address", "one like 192.0.2.1"),
        },
        (Tree::Text(text), Spelling::Ip6) => match text.parse::<Ipv6Addr>() {
            Ok(address) => builder.bytes(buffer)[range].copy_from_slice(&address.octets()),
            Err(_) => builder.wrong(node, "this is no address", "one like 2001:db8::1"),
        },
        (Tree::Text(text), spelling @ (Spelling::Port16 | Spelling::Port32)) => {
            let at = start + if spelling == Spelling::Port32 { 2 } else { 0 };
            match text.parse::<u16>() {
                Ok(port) => builder.bytes(buffer)[at..at + 2].copy_from_slice(&port.to_be_bytes()),
                Err(_) => builder.wrong(node, "this is no port", "0 to 65535"),
            }
        }
        (Tree::Text(text), _) if size == 1 => match raw_bytes(text) {
            Ok(bytes) if bytes.len() <= range.len() => {
                builder.bytes(buffer)[start..start + bytes.len()].copy_from_slice(&bytes);
            }
            Ok(bytes) => {
                let message = format!("{} bytes are too many", bytes.len());
                builder.wrong(node, message, &format!("at most {}", range.len()));
            }
            Err(message) => builder.wrong(node, message, "pairs of digits"),
        },
        _ if field.count > 1 => {
            elements(builder, size, field.count as usize, buffer, start, node);
        }
        _ => number(builder, buffer, start, size, node),
    }
}

/// Writes up to `count` numbers of `size` bytes, one after the other.
pub(super) fn elements(
    builder: &mut Builder<'_>,
    size: usize,
    count: usize,
    buffer: Buffer,
    start: usize,
    node: &Node,
) {
    let Tree::List(items) = &node.value else {
        let message = format!("this has {count} elements");
        return builder.wrong(node, message, "a list of them");
    };
    if items.len() > count {
        let message = format!("{} elements are too many", items.len());
        return builder.wrong(node, message, &format!("at most {count}"));
    }
    for (index, item) in items.iter().enumerate() {
        number(builder, buffer, start + index * size, size, item);
    }
}

/// Writes a number of so many bytes; negative ones as two's complement.
pub(super) fn number(
    builder: &mut Builder<'_>,
    buffer: Buffer,
    start: usize,
    size: usize,
    node: &Node,
) {
    let value = match &node.value {
        Tree::Bool(value) => i128::from(*value),
        Tree::Integer(value) => *value,
        Tree::Text(text) => match parse_number(text) {
            Some(value) => value,
            None => return builder.wrong(node, format!("`{text}` is no number"), "a number"),
        },
        other => {
            let message = format!("{} is no number", other.what());
            return builder.wrong(node, message, "a number");
        }
    };
    let bits = size as u32 * 8;
    if value >= 1_i128 << bits || value < -(1_i128 << (bits - 1)) {
        let expected = format!("{} to {}", -(1_i128 << (bits - 1)), (1_i128 << bits) - 1);
        return builder.wrong(
            node,
            format!("{value} does not fit {size} bytes"),
            &expected,
        );
    }
    let bytes = &(value as u64).to_ne_bytes()[..size];
    builder.bytes(buffer)[start..start + size].copy_from_slice(bytes);
}

/// A number written as text, for JSON, which has no others than decimal ones.
pub(super) fn parse_number(text: &str) -> Option<i128> {
    match text.strip_prefix("0x") {
        Some(digits) => i128::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// A field that points to something.
fn pointer<'a>(
    builder: &mut Builder<'a>,
    to: Pointee,
    buffer: Buffer,
    start: usize,
    node: &'a Node,
) {
    let image = match (to, &node.value) {
        (_, Tree::Null | Tree::Integer(_)) => return number(builder, buffer, start, 8, node),
        (_, Tree::Text(name)) if name.starts_with('&') => builder.object(&name[1..], node),
        (Pointee::Socket | Pointee::SockCommon, _) => {
            let Context::Fields(socket) = context(ProgramKind::CgroupSock) else {
                return;
            };
            let image = builder.image(socket.name, socket.bytes as usize);
            structure(builder, socket.layout(), Buffer::Image(image), node);
            Some(image)
        }
        (Pointee::Kernel(name), _) => {
            let kernel = builder.kernel;
            match kernel.and_then(|btf| Some((btf, find_type(btf, name)?))) {
                Some((btf, ty)) => builder.described(btf, ty, node),
                None => return builder.no_types(&node.span),
            }
        }
        (Pointee::FlowKeys | Pointee::TracepointBuffer, _) => {
            let bytes = super::event::bytes(builder, node);
            let image = builder.image("buffer", 0);
            builder.scene.images[image].bytes = bytes;
            builder.scene.images[image].writable = true;
            Some(image)
        }
    };
    if let Some(image) = image {
        builder.point(buffer, start, image);
    }
}
