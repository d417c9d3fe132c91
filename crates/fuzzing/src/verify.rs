//! Any bytes as a program for the verifier.

use osmia_isa::{Endian, read_slots};
use osmia_program::{
    KernelVersion, MapIndex, MapKind, MapSpec, Program, ProgramKind, ProgramParts, Target,
};
use osmia_verify::Options;

/// Instructions the verifier may visit for one input.
const INSNS_VISITED_MAX: usize = 5_000;

const KINDS: [ProgramKind; 8] = [
    ProgramKind::SocketFilter,
    ProgramKind::Xdp,
    ProgramKind::SchedCls,
    ProgramKind::Kprobe,
    ProgramKind::Tracepoint,
    ProgramKind::CgroupSkb,
    ProgramKind::SkMsg,
    ProgramKind::SockOps,
];

const MAPS: [(MapKind, u32, u32); 8] = [
    (MapKind::Array, 4, 64),
    (MapKind::Hash, 8, 64),
    (MapKind::ProgArray, 4, 4),
    (MapKind::Ringbuf, 0, 0),
    (MapKind::PercpuArray, 4, 8),
    (MapKind::Stack, 0, 16),
    (MapKind::LruHash, 4, 1),
    (MapKind::Devmap, 4, 4),
];

/// Verifies a program and, if it is accepted, wants its certificate to hold. The input: the program
/// type in one byte, the number of maps in another, instructions.
pub fn verify(data: &[u8]) {
    let [kind, maps, code @ ..] = data else {
        return;
    };
    let Ok(insns) = read_slots(code, Endian::Little) else {
        return;
    };
    let maps: Vec<MapSpec> = MAPS[..usize::from(*maps) % (MAPS.len() + 1)]
        .iter()
        .map(|&(kind, key, value)| MapSpec::new("map", kind, key, value, 4096))
        .collect();
    let kind = KINDS[usize::from(*kind) % KINDS.len()];
    let mut parts = ProgramParts::bare("fuzzed", kind, insns);
    parts.maps = (0..maps.len()).map(MapIndex::from_usize).collect();
    let Ok(program) = Program::new(parts) else {
        return;
    };
    let target = Target {
        name: "fuzzed".into(),
        endian: Endian::Little,
        kernel: KernelVersion::new(6, 18, 0),
        release: None,
        cpus: 2,
        btf: None,
        module_btfs: Vec::new(),
        kconfig: None,
        ksyms: None,
        kfuncs: None,
        rules: Default::default(),
        own_helpers: Default::default(),
    };
    let options = Options {
        insns_visited_max: INSNS_VISITED_MAX,
        check_certificate: false,
        ..Options::default()
    };
    match osmia_verify::verify(&program, &maps, &target, &options).result {
        Ok(verified) => {
            if let Err(refusal) = verified.check(&maps, &target, &options) {
                panic!("accepted, but {refusal}");
            }
        }
        Err(why) => {
            let _ = why.to_diagnostic(&program);
        }
    }
}
