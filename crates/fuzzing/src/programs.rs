//! Object files: read, linked, and run on a packet.

use std::sync::Arc;

use osmia_btf::Endian;
use osmia_object::{LinkOptions, Object, ProgramType};
use osmia_program::{
    Host, Initial, Kconfig, KernelVersion, MapSpec, ProgramKind, ProgramSet, Run, SlotContent,
    Slotted, Target,
};
use osmia_user::{UserHost, UserOptions};

use crate::{RUN_INSNS_MAX, RUN_MAP_BYTES_MAX};

/// Reads an object and links it: for a target that knows nothing, and for one whose kernel has the
/// object's own types, so that CO-RE finds something.
pub fn elf(data: &[u8]) {
    let object = match Object::parse(data, "fuzzed.bpf.o") {
        Ok(object) => object,
        Err(error) => {
            let _ = error.to_diagnostic();
            return;
        }
    };
    let mut target = Target {
        name: "fuzzed".into(),
        endian: object.endian(),
        kernel: KernelVersion::new(6, 18, 0),
        release: None,
        cpus: 2,
        btf: None,
        module_btfs: Vec::new(),
        kconfig: Some(Arc::new(Kconfig::from_text(
            "CONFIG_HZ=250\nCONFIG_BPF=y\n",
        ))),
        ksyms: None,
        kfuncs: None,
        rules: Default::default(),
        own_helpers: Default::default(),
    };
    link(&object, &target);
    if object.btf().is_some() {
        target.btf = object.btf().map(Arc::clone);
        link(&object, &target);
    }
}

/// Links everything, programs without a type as socket filters.
fn link(object: &Object, target: &Target) -> Option<ProgramSet> {
    let any = ProgramType {
        kind: ProgramKind::SocketFilter,
        attach: None,
    };
    let options = LinkOptions {
        types: vec![(None, any)],
        ..LinkOptions::default()
    };
    match object.link(target, &options) {
        Ok(set) => Some(set),
        Err(error) => {
            let told = error.to_diagnostics();
            assert!(!told.is_empty(), "an error that says nothing");
            None
        }
    }
}

/// Runs every program of an object on a packet. The input: the object's length in four bytes, the
/// object, the packet.
pub fn run(data: &[u8]) {
    let Some((length, rest)) = data.split_first_chunk() else {
        return;
    };
    let Some((object, packet)) = rest.split_at_checked(u32::from_le_bytes(*length) as usize) else {
        return;
    };
    let Ok(object) = Object::parse(object, "fuzzed.bpf.o") else {
        return;
    };
    if object.endian() != Endian::NATIVE {
        return;
    }
    let options = UserOptions {
        cpus: 2,
        seed: Some(1),
        insns_max: RUN_INSNS_MAX,
        ..UserOptions::default()
    };
    let host = UserHost::new(options).expect("memory for a host");
    if let Some(set) = link(&object, host.target()) {
        run_all(&host, &set, packet);
    }
}

fn run_all(host: &UserHost, set: &ProgramSet, packet: &[u8]) {
    let wanted: u64 = set.maps.iter().map(bytes_of).fold(0, u64::saturating_add);
    if wanted > RUN_MAP_BYTES_MAX {
        return;
    }
    let Ok(maps) = set
        .maps
        .iter()
        .map(|spec| host.create_map(spec))
        .collect::<Result<Vec<_>, _>>()
    else {
        return;
    };
    let loaded: Vec<_> = set
        .programs
        .iter()
        .map(|program| {
            let own: Vec<_> = program
                .maps
                .iter()
                .map(|index| maps[index.index()].clone())
                .collect();
            host.load(program, &own).ok()
        })
        .collect();
    for (spec, map) in set.maps.iter().zip(&maps) {
        let Initial::Slots(slots) = &spec.initial else {
            continue;
        };
        for (index, content) in slots {
            let _ = match content {
                SlotContent::Map(inner) => {
                    host.set_slot(map, *index, Slotted::Map(&maps[inner.index()]))
                }
                SlotContent::Program(name) => {
                    let named = set.programs.iter().position(|each| each.name == *name);
                    let Some(Some(program)) = named.map(|position| &loaded[position]) else {
                        continue;
                    };
                    host.set_slot(map, *index, Slotted::Program(program))
                }
            };
        }
    }
    for program in loaded.iter().flatten() {
        use osmia_program::HostProgram;
        let mut run = Run {
            data: packet.to_vec(),
            repeat: 2,
            ..Run::default()
        };
        if let Err(error) = program.test_run(&mut run) {
            assert!(!error.to_string().is_empty(), "an error that says nothing");
        }
    }
    host.drain(&mut |_| {});
}

/// What a map asks for at least.
fn bytes_of(spec: &MapSpec) -> u64 {
    let element = u64::from(spec.key_size) + u64::from(spec.value_size).saturating_mul(2) + 64;
    element.saturating_mul(u64::from(spec.max_entries).max(1))
}
