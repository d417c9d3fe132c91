//! Contexts that are the arguments of a function or a tracepoint, and what the function returned.

use osmia_btf::{Body, TypeId};
use osmia_program::context::RAW_ARGUMENTS_MAX;
use osmia_program::{AttachKind, ProgramKind, TracedCall};

use super::context::Subject;
use super::layout::{Buffer, Builder, Place};
use super::prototype::Prototype;
use super::tree::{Node, Tree};
use crate::codes;

/// Bytes of an argument's place.
const WORD: usize = 8;

/// Fills the context.
pub(super) fn fill<'a>(builder: &mut Builder<'a>, subject: Subject<'a>, ctx: Option<&'a Node>) {
    let hook = &subject.program.hook;
    let prototype = subject.kernel.and_then(|btf| Prototype::of(btf, hook));
    let is_exit = matches!(
        hook.attach,
        Some(AttachKind::TraceFexit | AttachKind::ModifyReturn)
    ) || hook.kind == ProgramKind::Lsm;
    let words = match &prototype {
        Some(prototype) => prototype.words(),
        None => RAW_ARGUMENTS_MAX,
    };
    builder.context = vec![0; (words + usize::from(is_exit)) * WORD];
    if let Some(prototype) = &prototype
        && hook.kind == ProgramKind::Tracing
    {
        builder.scene.event.get_or_insert_default().call = Some(TracedCall {
            arguments: prototype.words() as u32,
            returned: is_exit,
        });
    }
    let Some(node) = ctx else { return };
    let Tree::Table(entries) = &node.value else {
        return builder.wrong(node, "this is no context", "a table of arguments");
    };
    let prototype = prototype.as_ref();
    for entry in entries {
        let named = prototype.and_then(|prototype| prototype.position(&entry.name));
        match (entry.name.as_str(), prototype, named) {
            (_, Some(prototype), Some(index)) => {
                one(builder, subject, prototype, index, &entry.value)
            }
            ("args", ..) => all(builder, subject, prototype, &entry.value),
            ("retval", Some(prototype), _) if is_exit => {
                word(builder, subject, words, prototype.returns, &entry.value);
            }
            (_, None, _) => {
                let what = hook.target.as_deref().unwrap_or("the hook");
                let message = format!("the arguments of `{what}` have no names here");
                let problem = builder.complain(
                    codes::CTX_TYPES,
                    &entry.span,
                    message,
                    "no prototype was found",
                );
                problem.notes.push(match subject.kernel {
                    Some(_) => format!("the kernel's BTF has no function or tracepoint `{what}`"),
                    None => "there are no types of a kernel".to_owned(),
                });
                problem
                    .help
                    .push("give them by position: `args = [1, 2]`".to_owned());
            }
            (_, Some(prototype), None) => {
                let names = prototype.arguments.iter().map(|a| a.name.as_str());
                let others = if is_exit {
                    &["args", "retval"][..]
                } else {
                    &["args"]
                };
                let known: Vec<&str> = names.chain(others.iter().copied()).collect();
                let what = hook.target.as_deref().unwrap_or("the hook");
                builder.unknown(entry, &format!("`{what}`"), known);
            }
        }
    }
}

/// Every argument by position.
fn all<'a>(
    builder: &mut Builder<'a>,
    subject: Subject<'a>,
    prototype: Option<&Prototype>,
    node: &'a Node,
) {
    let Tree::List(items) = &node.value else {
        return builder.wrong(node, "arguments are not given so", "a list");
    };
    let most = prototype.map_or(RAW_ARGUMENTS_MAX, |prototype| prototype.arguments.len());
    if items.len() > most {
        let message = format!("{} arguments are too many", items.len());
        return builder.wrong(node, message, &format!("at most {most}"));
    }
    for (index, item) in items.iter().enumerate() {
        match prototype {
            Some(prototype) => one(builder, subject, prototype, index, item),
            None => builder.untyped(Buffer::Context, index * WORD, item),
        }
    }
}

fn one<'a>(
    builder: &mut Builder<'a>,
    subject: Subject<'a>,
    prototype: &Prototype,
    index: usize,
    node: &'a Node,
) {
    let before = &prototype.arguments[..index];
    let at = before.iter().map(|argument| argument.words).sum();
    word(builder, subject, at, prototype.arguments[index].ty, node);
}

/// Writes a value of a type into a word of the context; signed ones fill all of it.
fn word<'a>(
    builder: &mut Builder<'a>,
    subject: Subject<'a>,
    word: usize,
    ty: TypeId,
    node: &'a Node,
) {
    let Some(btf) = subject.kernel else { return };
    typed_word(builder, btf, Buffer::Context, word * WORD, ty, node);
}

/// The same in any buffer.
pub(super) fn typed_word<'a>(
    builder: &mut Builder<'a>,
    btf: &'a osmia_btf::Btf,
    buffer: Buffer,
    at: usize,
    ty: TypeId,
    node: &'a Node,
) {
    builder.value(btf, Place::at(buffer, at, ty), node);
    let (size, signed) = match btf.resolve(ty).body() {
        Body::Int(int) => (int.size as usize, int.is_signed()),
        Body::Enum(enumeration) => (enumeration.size as usize, enumeration.signed),
        _ => return,
    };
    let bytes = &mut builder.bytes(buffer)[at..at + WORD];
    if signed && size < WORD && bytes[size - 1] & 0x80 != 0 {
        bytes[size..].fill(0xff);
    }
}
