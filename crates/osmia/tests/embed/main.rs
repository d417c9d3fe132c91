//! Programs inside of an application: types, helpers, what goes wrong, and what is allocated.

mod allocator;
mod helpers;
mod limits;
mod refusals;
mod runs;
mod shared;

use osmia::embed::{Arg, Builder, Helper, Module, Returns, Sandbox, Worker};
use osmia::zerocopy::{FromBytes, Immutable, IntoBytes};
use osmia::{Error, Object};

#[global_allocator]
static ALLOCATOR: allocator::Counting = allocator::Counting;

/// The context of most programs of `embed.bpf.c`.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Pair {
    key: u64,
    value: u64,
}

const ADD: Helper = Helper::own(1000, "add", &[Arg::Scalar, Arg::Scalar], Returns::Scalar);
const SHOUT: Helper = Helper::own(1001, "shout", &[Arg::ReadWrite, Arg::Size], Returns::Void);
const BOTH: Helper = Helper::own(1002, "both", &[Arg::FixedReadWrite(16)], Returns::Scalar);

fn object() -> Object {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/embed.bpf.o");
    Object::open(path).expect("it is committed")
}

/// A sandbox with the helpers that the programs call.
fn builder() -> Builder {
    Sandbox::builder()
        .cpus(2)
        .seed(1)
        .helper(ADD, |call| match call.number(1) {
            13 => panic!("thirteen"),
            14 => Err(call.refuse("does not add fourteen")),
            number => Ok(number + call.number(2)),
        })
        .helper(SHOUT, |call| {
            let mut text = [0; 8];
            let text = &mut text[..call.len(1)];
            call.read(1, text)?;
            text.make_ascii_uppercase();
            call.write(1, text)?;
            Ok(0)
        })
        .helper(BOTH, |call| {
            let Pair { key, value } = call.get(1)?;
            call.put(
                1,
                &Pair {
                    key: value,
                    value: key,
                },
            )?;
            Ok(key ^ value)
        })
}

fn loaded(builder: Builder) -> Result<(Module, Worker), Error> {
    let sandbox = builder.build()?;
    Ok((sandbox.load(&object())?, sandbox.worker()?))
}

/// What an error says first: its code and its message.
fn said(error: &Error) -> String {
    let first = &error.diagnostics[0];
    format!("{}: {}", first.code, first.message)
}
