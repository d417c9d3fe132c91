//! Random programs, made so that the verifier accepts many of them.
//!
//! The generator keeps in mind roughly what each register holds, as a careful author would, and now
//! and then forgets to be careful. It knows no more of the verifier's rules than that. The same seed
//! gives the same program; execution oracles share it (interpreter against certificate now, native
//! code against interpreter later).

mod code;
mod statement;

use osmia_isa::Slot;
use osmia_program::{MapKind, MapSpec, ProgramKind};

use crate::chance::Chance;
use code::Emitter;
use statement::Author;

/// A made-up program with the maps it uses.
#[derive(Clone, Debug)]
pub struct Made {
    /// Its type.
    pub kind: ProgramKind,
    /// Its instructions.
    pub insns: Vec<Slot>,
    /// Its maps.
    pub maps: Vec<MapSpec>,
}

/// Bytes of a map's value.
pub(crate) const VALUE_BYTES: i64 = 64;

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
    let callback = chance.percent(15).then(|| code.label());
    let mut main = Author::main(&mut code, &mut chance, kind, &labels, callback);
    main.write(statements);
    main.leave();
    for (index, &label) in labels.iter().enumerate() {
        if !code.is_wanted(label) {
            continue;
        }
        code.place(label);
        let callees = &labels[index + 1..];
        let mut function = Author::function(&mut code, &mut chance, kind, callees);
        function.write(statements / 2 + 1);
        function.leave();
    }
    if let Some(label) = callback.filter(|&label| code.is_wanted(label)) {
        code.place(label);
        let mut function = Author::callback(&mut code, &mut chance, kind);
        function.write(statements / 3 + 1);
        function.leave();
    }
    let value = VALUE_BYTES as u32;
    Made {
        kind,
        insns: code.finish(),
        maps: vec![
            MapSpec::new("array", MapKind::Array, 4, value, 4),
            MapSpec::new("hash", MapKind::Hash, 8, value, 4),
        ],
    }
}
