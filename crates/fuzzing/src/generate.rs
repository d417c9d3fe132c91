//! Random programs, made so that the verifier accepts many of them.
//!
//! The generator keeps in mind roughly what each register holds, as a careful author would, and now
//! and then forgets to be careful. It knows no more of the verifier's rules than that. The same seed
//! gives the same program; execution oracles share it (interpreter against certificate now, native
//! code against interpreter later).

mod author;
mod code;
mod types;

use osmia_isa::Slot;
use osmia_program::{KfuncRef, MapBtf, MapKind, MapSpec, ProgramKind};

use crate::chance::Chance;
use author::{Author, Callees};
use code::Emitter;
pub(crate) use types::kernel;

/// A made-up program with the maps it uses.
#[derive(Clone, Debug)]
pub struct Made {
    /// Its type.
    pub kind: ProgramKind,
    /// Its instructions.
    pub insns: Vec<Slot>,
    /// Its maps.
    pub maps: Vec<MapSpec>,
    /// The kernel functions it calls.
    pub kfuncs: Vec<KfuncRef>,
}

/// Bytes of a map's value.
pub(crate) const VALUE_BYTES: i64 = 64;
/// Where the lock lies in a value that has one.
pub(crate) const LOCK_OFFSET: i64 = 56;

/// Maps by position.
pub(crate) mod maps {
    pub(crate) const ARRAY: i32 = 0;
    pub(crate) const HASH: i32 = 1;
    /// Its values have a lock.
    pub(crate) const LOCKED: i32 = 2;
    pub(crate) const RING: i32 = 3;
    /// Programs to go to: only this one, at 0.
    pub(crate) const PROGRAMS: i32 = 4;
}

/// Makes the program of a seed.
pub fn generate(seed: u64) -> Made {
    let mut chance = Chance::seeded(seed);
    let kind = chance.one_of(&[
        ProgramKind::Xdp,
        ProgramKind::SchedCls,
        ProgramKind::SocketFilter,
    ]);
    let statements = 3 + chance.below(14);
    let functions = if chance.percent(35) {
        1 + chance.below(2)
    } else {
        0
    };
    let mut code = Emitter::default();
    let labels: Vec<_> = (0..functions).map(|_| code.label()).collect();
    let turn = chance.percent(15).then(|| code.label());
    let visit = chance.percent(15).then(|| code.label());
    let callees = Callees {
        functions: &labels,
        turn,
        visit,
    };
    let mut main = Author::main(&mut code, &mut chance, kind, callees);
    main.write(statements);
    main.leave();
    for (index, &label) in labels.iter().enumerate() {
        if !code.is_wanted(label) {
            continue;
        }
        code.place(label);
        let callees = Callees {
            functions: &labels[index + 1..],
            ..Callees::default()
        };
        let mut function = Author::function(&mut code, &mut chance, kind, callees);
        function.write(statements / 2 + 1);
        function.leave();
    }
    if let Some(label) = turn.filter(|&label| code.is_wanted(label)) {
        code.place(label);
        let mut function = Author::turn(&mut code, &mut chance, kind);
        function.write(statements / 3 + 1);
        function.leave();
    }
    if let Some(label) = visit.filter(|&label| code.is_wanted(label)) {
        code.place(label);
        let mut function = Author::visitor(&mut code, &mut chance, kind);
        function.write(statements / 3 + 1);
        function.leave();
    }
    let (insns, kfuncs) = code.finish();
    Made {
        kind,
        insns,
        maps: specs(),
        kfuncs,
    }
}

fn specs() -> Vec<MapSpec> {
    let value = VALUE_BYTES as u32;
    let mut locked = MapSpec::new("locked", MapKind::Array, 4, value, 4);
    let (btf, value_type) = types::locked();
    locked.btf = Some(MapBtf {
        btf,
        key: None,
        value: Some(value_type),
    });
    vec![
        MapSpec::new("array", MapKind::Array, 4, value, 4),
        MapSpec::new("hash", MapKind::Hash, 8, value, 4),
        locked,
        MapSpec::new("ring", MapKind::Ringbuf, 0, 0, 4096),
        MapSpec::new("programs", MapKind::ProgArray, 4, 4, 2),
    ]
}
