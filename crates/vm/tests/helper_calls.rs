//! Helpers called with anything: each call ends in a result or in a trap that says why, and what
//! the helpers of this machine are called is in the table with how they are called.

use std::fmt::Write as _;
use std::sync::Arc;

use osmia_isa::{MapRef, Resolve};
use osmia_program::helper::{self, Arg, Helper};
use osmia_program::{
    Hook, MapFlags, MapKind, MapSpec, Program, ProgramFlags, ProgramKind, ProgramParts,
};
use osmia_vm::map::{Map, Runs};
use osmia_vm::{Code, Environment, Layer, Machine};
use proptest::prelude::*;

const MAPS: [(&str, MapKind, u32, u32, u32, u32); 15] = [
    ("array", MapKind::Array, 4, 48, 3, 0),
    ("hash", MapKind::Hash, 8, 16, 4, 0),
    ("lru", MapKind::LruPercpuHash, 4, 8, 4, 0),
    ("lpm", MapKind::LpmTrie, 8, 8, 4, MapFlags::NO_PREALLOC),
    ("bloom", MapKind::BloomFilter, 0, 8, 4, 0),
    ("queue", MapKind::Queue, 0, 8, 2, 0),
    ("ring", MapKind::Ringbuf, 0, 0, 4096, 0),
    ("events", MapKind::PerfEventArray, 4, 4, 0, 0),
    ("progs", MapKind::ProgArray, 4, 4, 2, 0),
    ("ports", MapKind::Devmap, 4, 4, 4, 0),
    ("named", MapKind::DevmapHash, 4, 8, 4, 0),
    ("cpus", MapKind::Cpumap, 4, 4, 4, 0),
    ("socks", MapKind::Xskmap, 4, 4, 4, 0),
    ("groups", MapKind::CgroupArray, 4, 4, 4, 0),
    ("stacks", MapKind::StackTrace, 4, 24, 4, 0),
];

struct Known;

impl Resolve for Known {
    fn helper(&self, name: &str) -> Option<i32> {
        helper::by_name(name).map(|helper| helper.id as i32)
    }

    fn map(&self, name: &str) -> Option<MapRef> {
        let index = MAPS.iter().position(|map| map.0 == name)?;
        Some(MapRef::Idx(index as i32))
    }
}

fn program(kind: ProgramKind, text: &str) -> Arc<Program> {
    let assembly = osmia_isa::assemble(text, &Known).expect("the test's own text");
    let parts = ProgramParts {
        name: "test".to_owned(),
        section: String::new(),
        hook: Hook {
            kind,
            attach: None,
            target: None,
        },
        flags: ProgramFlags::default(),
        license: "GPL".to_owned(),
        kernel_version: 0,
        autoload: true,
        insns: assembly.slots,
        maps: Vec::new(),
        functions: Vec::new(),
        debug: None,
        poisons: Vec::new(),
        kfuncs: Vec::new(),
    };
    Arc::new(Program::new(parts).expect("a right layout"))
}

/// Helpers this machine has, tail calls aside.
fn present() -> Vec<&'static Helper> {
    let here = |helper: &&Helper| {
        let text = format!("call {}\nexit", helper.name);
        Code::prepare(&program(ProgramKind::Xdp, &text), &[]).is_ok()
    };
    helper::ALL.iter().filter(here).collect()
}

/// Where an argument comes from, if not from the prototype.
fn odd(choice: u8, number: i32) -> String {
    match choice % 8 {
        0 => "r6".to_owned(),
        1 => "0".to_owned(),
        2 => "r10".to_owned(),
        3 => "r7".to_owned(),
        4 => "r8".to_owned(),
        5 => format!("{} ll", MAPS[number as usize % MAPS.len()].0),
        _ => number.to_string(),
    }
}

fn text(register: usize, arg: Option<Arg>, choice: u8, number: i32, out: &mut String) {
    let stack = format!("r10\nr{register} += {}", -64 - (number & 56));
    let value = match arg {
        _ if choice < 40 => odd(choice, number),
        None | Some(Arg::Scalar) => (number >> (choice % 32)).to_string(),
        Some(Arg::Context) => "r6".to_owned(),
        Some(Arg::Map) => format!("{} ll", MAPS[number as usize % MAPS.len()].0),
        Some(Arg::Size | Arg::SizeOrZero) => (number & 63).to_string(),
        Some(Arg::Reservation) => "r8".to_owned(),
        Some(Arg::Function) => "r10".to_owned(),
        Some(_) => stack,
    };
    writeln!(out, "r{register} = {value}").unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_call_ends_in_order(
        kind in 0..4usize,
        packet in proptest::collection::vec(any::<u8>(), 0..90),
        calls in proptest::collection::vec((any::<u16>(), any::<[(u8, i32); 5]>()), 1..6),
    ) {
        let kinds = [ProgramKind::Xdp, ProgramKind::SchedCls, ProgramKind::Kprobe, ProgramKind::SocketFilter];
        let kind = kinds[kind];
        let runs = Arc::new(Runs::new(2));
        let maps = MAPS.map(|(name, kind, key, value, entries, flags)| {
            let mut spec = MapSpec::new(name, kind, key, value, entries);
            spec.flags = MapFlags(flags);
            Arc::new(Map::create(&spec, &runs).expect("a right specification"))
        });
        let here = present();
        let mut all = String::from("r6 = r1\nr7 = 0\nr8 = 0\n");
        if matches!(kind, ProgramKind::SchedCls) {
            all.push_str("r7 = *(u32 *)(r6 + 76)\n");
        }
        // A reservation, which the end of the run gives back if nothing else does.
        all.push_str("r1 = ring ll\nr2 = 16\nr3 = 0\ncall bpf_ringbuf_reserve\nr8 = r0\n");
        for (which, args) in calls {
            let helper = here[usize::from(which) % here.len()];
            let known = helper.prototype.args;
            for (at, (choice, number)) in args.into_iter().enumerate() {
                text(at + 1, known.get(at).copied(), choice, number, &mut all);
            }
            writeln!(all, "call {}", helper.name).unwrap();
        }
        all.push_str("r0 = 0\nexit\n");
        let code = Code::prepare(&program(kind, &all), &maps).expect("only helpers that are here");
        let mut env = Environment::repeatable(5);
        env.insns_max = 10_000;
        env.event.kernel_stack = vec![1, 2, 3];
        let mut machine = Machine::new(env).expect("memory");
        let context = if kind == ProgramKind::Kprobe { vec![0; 168] } else { Vec::new() };
        machine.input(kind, &packet, &context, Layer::Ethernet).expect("an input of its type");
        for _ in 0..2 {
            if let Err(trap) = machine.run(&code) {
                let said = trap.to_diagnostic().to_text(osmia_diag::Paint::Plain);
                prop_assert!(said.contains("vm-"));
            }
            machine.drain(&mut |_| {});
        }
        machine.redirected(&mut |_| {});
    }
}
