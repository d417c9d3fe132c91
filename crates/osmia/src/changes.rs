//! What a run changed in its context and in what surrounds it.

use std::net::{Ipv4Addr, Ipv6Addr};

use osmia_btf::{Btf, TypeId};
use osmia_program::context::{ContextField, ContextValue, Fields};
use osmia_program::{Program, Remote, Run, Scene, SceneMemory, Signal};
use serde::Serialize;

use crate::Shown;
use crate::described::{Form, Spelling, spelling};

/// Something that holds another value than before.
#[derive(Clone, Debug, Serialize)]
pub struct Change {
    /// Its name.
    pub name: String,
    /// What it held.
    pub before: Shown,
    /// What it holds.
    pub after: Shown,
}

/// What a run on this context changed.
pub(crate) fn of(program: &Program, before: &[u8], run: &Run) -> Vec<Change> {
    let mut changes = match Form::of(program) {
        Form::Fields(layout) => fields(&layout, before, &run.ctx),
        Form::Own(ty) => match &program.debug {
            Some(debug) => members(&debug.btf, ty, before, &run.ctx),
            None => Vec::new(),
        },
        Form::Opaque => Vec::new(),
    };
    if let Some(value) = run.override_return {
        changes.push(Change {
            name: "the function's return value".to_owned(),
            before: Shown::words("its own".to_owned(), false),
            after: Shown::number(value),
        });
    }
    changes.extend(run.signals.iter().map(signal));
    changes.extend(run.remote.iter().map(remote));
    changes.extend(memory(run));
    changes
}

/// A signal that was sent.
fn signal(signal: &Signal) -> Change {
    let whose = if signal.to_thread {
        "thread"
    } else {
        "process"
    };
    Change {
        name: format!("signal to {whose} {}", signal.to),
        before: Shown::words("none".to_owned(), true),
        after: Shown::number(signal.number.into()),
    }
}

/// What an input device was told.
fn remote(remote: &Remote) -> Change {
    let after = match remote {
        Remote::Repeat => "the last key again".to_owned(),
        Remote::Key {
            protocol,
            scancode,
            toggle,
        } => {
            let toggle = u8::from(*toggle);
            format!("key {scancode:#x} of protocol {protocol}, toggle {toggle}")
        }
        Remote::Pointer { x, y } => format!("pointer moved by {x}, {y}"),
    };
    Change {
        name: "remote control".to_owned(),
        before: Shown::words("nothing".to_owned(), true),
        after: Shown::words(after, false),
    }
}

fn fields(layout: &Fields, before: &[u8], after: &[u8]) -> Vec<Change> {
    let writable = |field: &&ContextField| field.write.class.meets(layout.class());
    let numbers = |field: &&ContextField| field.value == ContextValue::Scalar;
    let changed = |field: &ContextField| {
        let start = field.offset as usize;
        let range = start..start + (field.bytes * field.count) as usize;
        let after = after.get(range.clone())?;
        let zeroes = vec![0; range.len()];
        let before = before.get(range).unwrap_or(&zeroes);
        (before != after).then(|| Change {
            name: field.name.to_owned(),
            before: show(layout, field, before),
            after: show(layout, field, after),
        })
    };
    layout
        .fields
        .iter()
        .filter(writable)
        .filter(numbers)
        .filter_map(changed)
        .collect()
}

fn show(layout: &Fields, field: &ContextField, bytes: &[u8]) -> Shown {
    let is_zero = bytes.iter().all(|byte| *byte == 0);
    let port = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
    match (spelling(layout.name, field.name), bytes) {
        (Spelling::Ip4, [a, b, c, d]) => {
            Shown::words(Ipv4Addr::new(*a, *b, *c, *d).to_string(), is_zero)
        }
        (Spelling::Ip6, bytes) if bytes.len() == 16 => {
            let mut octets = [0; 16];
            octets.copy_from_slice(bytes);
            Shown::words(Ipv6Addr::from(octets).to_string(), is_zero)
        }
        (Spelling::Port16, [_, _, ..]) => Shown::number(port(0).into()),
        (Spelling::Port32, [_, _, _, _]) => Shown::number(port(2).into()),
        _ if field.count == 1 && bytes.len() <= 8 => {
            let mut word = [0; 8];
            word[..bytes.len()].copy_from_slice(bytes);
            Shown::number(u64::from_ne_bytes(word))
        }
        _ => Shown::raw(bytes),
    }
}

/// Members of a structure, one by one.
fn members(btf: &Btf, ty: TypeId, before: &[u8], after: &[u8]) -> Vec<Change> {
    let Some(composite) = btf.resolve(ty).composite() else {
        return Vec::new();
    };
    let shown = |member: TypeId, at: usize, bytes: &[u8]| {
        let size = btf.size_of(member).unwrap_or(0) as usize;
        let bytes = bytes.get(at..(at + size).min(bytes.len()));
        Shown::typed(btf, member, bytes.unwrap_or_default())
    };
    let mut changes = Vec::new();
    for member in composite.members() {
        let at = member.bit_offset as usize / 8;
        let (before, after) = (shown(member.ty, at, before), shown(member.ty, at, after));
        if before != after && btf.bitfield_bits(&member) == 0 {
            changes.push(Change {
                name: member.name.to_owned(),
                before,
                after,
            });
        }
    }
    changes
}

/// Memory of the process, and objects of the kernel that programs may write.
fn memory(run: &Run) -> Vec<Change> {
    let scene: &Scene = &run.scene;
    let one = |change: &osmia_program::Changed| {
        let (name, before) = match change.memory {
            SceneMemory::User(index) => {
                let part = scene.user.get(index)?;
                (format!("{} at {:#x}", part.name, part.address), &part.bytes)
            }
            SceneMemory::Parameter => {
                let parameter = scene.event.as_ref()?.parameter.as_ref()?;
                ("new value".to_owned(), parameter.new_value.as_ref()?)
            }
            SceneMemory::Image(index) => {
                let image = scene.images.get(index)?;
                (image.name.clone(), &image.bytes)
            }
        };
        Some(Change {
            name,
            before: text_or_bytes(before),
            after: text_or_bytes(&change.bytes),
        })
    };
    run.changed.iter().filter_map(one).collect()
}

fn text_or_bytes(bytes: &[u8]) -> Shown {
    let text = std::str::from_utf8(bytes.strip_suffix(&[0]).unwrap_or(bytes));
    match text {
        Ok(text) if !text.is_empty() && !text.chars().any(char::is_control) => {
            Shown::words(format!("{text:?}"), false)
        }
        _ => Shown::raw(bytes),
    }
}
