//! Map operations one by one: called directly, by a program in both engines, and on a plain map of
//! Rust's standard library. The programs are in `programs/map_ops.bpf.c`, with the same keys in the
//! same order.

use std::collections::{HashMap, VecDeque};
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use osmia_jit::Tiers;
use osmia_object::{LinkOptions, Object};
use osmia_program::{MapFlags, MapKind, MapSpec, Program, ProgramKind, UpdateMode};
use osmia_vm::map::{Map, Runs};
use osmia_vm::{Code, Environment, Layer, Machine};

use crate::contents::{Entries, mix32};
use crate::engines::{compile, target};
use crate::packet;

/// The object with a program for each operation.
pub const MAP_OPS: &[u8] = include_bytes!("../programs/map_ops.bpf.o");
/// Operations of one run.
pub const RUN_OPS: u32 = 64;
/// CPUs the maps are made for.
pub const CPUS: u32 = 2;

const FILLED: u32 = 65_536;
const ROUTES: u32 = 16_384;

/// How far a thread is in its sequence of keys.
pub type Position = u64;

/// An operation that is measured.
pub struct MapCase {
    /// The program that does it; also its name.
    pub program: &'static str,
    /// The map it is done on; none for the loop alone.
    pub map: Option<&'static str>,
    /// [`RUN_OPS`] of them through [`Map`]'s own functions on a CPU.
    pub direct: fn(&Map, u32, &mut Position) -> u64,
    /// The same on a plain map, if there is one like it.
    pub plain: Option<fn() -> Plain>,
}

/// [`RUN_OPS`] operations on a plain map.
pub(crate) type Plain = Box<dyn FnMut(&mut Position) -> u64>;

/// Every operation.
pub const MAP_CASES: &[MapCase] = &[
    case("nothing", None, |_, _, at| {
        each(at, |n| u64::from(known(n)))
    }),
    MapCase {
        plain: Some(|| {
            let row: Vec<u64> = (0..u64::from(FILLED)).collect();
            plain(move |n| row[black_box(known(n) & (FILLED - 1)) as usize])
        }),
        ..case("array_lookup", Some("array"), |map, cpu, at| {
            lookups(map, cpu, at, |n| native(known(n) & (FILLED - 1)))
        })
    },
    case("array_update", Some("array"), |map, cpu, at| {
        updates(map, cpu, at, |n| native(known(n) & (FILLED - 1)))
    }),
    case(
        "percpu_array_lookup",
        Some("percpu_array"),
        |map, cpu, at| lookups(map, cpu, at, |n| native(known(n) & 1023)),
    ),
    MapCase {
        plain: Some(|| {
            let map = plain_hash();
            plain(move |n| map.get(&known(n)).copied().unwrap_or(0))
        }),
        ..case("hash_lookup", Some("hash"), |map, cpu, at| {
            lookups(map, cpu, at, |n| native(known(n)))
        })
    },
    MapCase {
        plain: Some(|| {
            let mut map = plain_hash();
            plain(move |n| map.insert(known(n), u64::from(n)).unwrap_or(0))
        }),
        ..case("hash_update", Some("hash"), |map, cpu, at| {
            updates(map, cpu, at, |n| native(known(n)))
        })
    },
    MapCase {
        plain: Some(|| {
            let mut map = plain_hash();
            plain(move |n| {
                map.insert(new(n), u64::from(n));
                map.remove(&new(n)).unwrap_or(0)
            })
        }),
        ..case("hash_churn", Some("hash"), |map, cpu, at| {
            churn(map, cpu, at, |n| native(new(n)))
        })
    },
    MapCase {
        plain: Some(|| {
            let entry = |i: u32| (wide(mix32(i)), [u64::from(i); 4]);
            let map: HashMap<_, _> = (0..FILLED).map(entry).collect();
            plain(move |n| map.get(&wide(known(n))).map_or(0, |value| value[0]))
        }),
        ..case("hash_wide_lookup", Some("hash_wide"), |map, cpu, at| {
            lookups(map, cpu, at, |n| wide(known(n)))
        })
    },
    case("percpu_hash_lookup", Some("percpu_hash"), |map, cpu, at| {
        lookups(map, cpu, at, |n| native(known(n)))
    }),
    case("percpu_hash_update", Some("percpu_hash"), |map, cpu, at| {
        updates(map, cpu, at, |n| native(known(n)))
    }),
    case("lru_lookup", Some("lru"), |map, cpu, at| {
        lookups(map, cpu, at, |n| native(known(n)))
    }),
    case("lru_update", Some("lru"), |map, cpu, at| {
        updates(map, cpu, at, |n| native(known(n)))
    }),
    case("lru_evict", Some("lru_full"), |map, cpu, at| {
        updates(map, cpu, at, |n| native(new(n)))
    }),
    case("lpm_lookup", Some("routes"), |map, cpu, at| {
        lookups(map, cpu, at, |n| prefix(32, known(n).to_le_bytes()))
    }),
    case("lpm_update", Some("routes"), |map, cpu, at| {
        updates(map, cpu, at, |n| route(n & (ROUTES - 1)))
    }),
    case("lpm_churn", Some("routes"), |map, cpu, at| {
        churn(map, cpu, at, |n| route(n | 1 << 31))
    }),
    MapCase {
        plain: Some(|| {
            let mut queue = VecDeque::with_capacity(1024);
            plain(move |n| {
                queue.push_back(black_box(u64::from(n)));
                queue.pop_front().unwrap_or(0)
            })
        }),
        ..case("queue_push_pop", Some("queue"), |map, _, at| {
            each(at, |n| {
                let mut value = u64::from(n).to_ne_bytes();
                let _ = map.push(&value, 0);
                let _ = map.pop(&mut value);
                u64::from_ne_bytes(value)
            })
        })
    },
];

const fn case(
    program: &'static str,
    map: Option<&'static str>,
    direct: fn(&Map, u32, &mut Position) -> u64,
) -> MapCase {
    MapCase {
        program,
        map,
        direct,
        plain: None,
    }
}

#[inline(always)]
fn each(at: &mut Position, mut op: impl FnMut(u32) -> u64) -> u64 {
    let mut sum = 0_u64;
    for _ in 0..RUN_OPS {
        *at += 1;
        sum = sum.wrapping_add(op(*at as u32));
    }
    sum
}

fn plain(mut op: impl FnMut(u32) -> u64 + 'static) -> Plain {
    Box::new(move |at| each(at, &mut op))
}

fn plain_hash() -> HashMap<u32, u64> {
    (0..FILLED).map(|i| (mix32(i), u64::from(i))).collect()
}

/// Lookups that read the value as a program does, during one run.
#[inline(always)]
fn lookups<const K: usize>(
    map: &Map,
    cpu: u32,
    at: &mut Position,
    key: impl Fn(u32) -> [u8; K],
) -> u64 {
    let _run = map.runs().enter(cpu);
    let values = map.values().expect("its elements lie somewhere");
    each(at, |n| {
        let Some(element) = map.lookup_element(&key(n), cpu) else {
            return 0;
        };
        values.words(element.index())[0].load(Relaxed)
    })
}

#[inline(always)]
fn updates<const K: usize>(
    map: &Map,
    cpu: u32,
    at: &mut Position,
    key: impl Fn(u32) -> [u8; K],
) -> u64 {
    let _run = map.runs().enter(cpu);
    each(at, |n| {
        let value = u64::from(n).to_ne_bytes();
        u64::from(map.update(&key(n), &value, 0, cpu).is_err())
    })
}

#[inline(always)]
fn churn<const K: usize>(
    map: &Map,
    cpu: u32,
    at: &mut Position,
    key: impl Fn(u32) -> [u8; K],
) -> u64 {
    let _run = map.runs().enter(cpu);
    each(at, |n| {
        let (key, value) = (key(n), u64::from(n).to_ne_bytes());
        let update = map.update(&key, &value, 0, cpu);
        u64::from(update.is_err()) + u64::from(map.delete(&key).is_err())
    })
}

fn known(n: u32) -> u32 {
    mix32(n & (FILLED - 1))
}

fn new(n: u32) -> u32 {
    mix32(n | 1 << 31)
}

fn native(key: u32) -> [u8; 4] {
    key.to_ne_bytes()
}

fn wide(i: u32) -> [u8; 16] {
    let mut key = [0; 16];
    for (part, word) in key.chunks_exact_mut(4).zip([i, mix32(i), !i, 7]) {
        part.copy_from_slice(&word.to_ne_bytes());
    }
    key
}

/// The key of an IPv4 prefix.
fn prefix(length: u32, address: [u8; 4]) -> [u8; 8] {
    let mut key = [0; 8];
    key[..4].copy_from_slice(&length.to_ne_bytes());
    key[4..].copy_from_slice(&address);
    key
}

/// One of many prefixes of 8 to 32 bits.
fn route(i: u32) -> [u8; 8] {
    let length = 8 + mix32(i) % 25;
    let address = mix32(!i) & (u32::MAX << (32 - length));
    prefix(length, address.to_be_bytes())
}

/// What the maps of [`MAP_OPS`] hold beforehand; values are given as outside callers give them.
pub fn map_ops_contents(map: &str) -> Entries {
    let value = |i: u32| u64::from(i).to_ne_bytes().to_vec();
    match map {
        "hash" | "lru" => (0..FILLED)
            .map(|i| (native(mix32(i)).to_vec(), value(i)))
            .collect(),
        "percpu_hash" => (0..FILLED)
            .map(|i| (native(mix32(i)).to_vec(), value(i).repeat(CPUS as usize)))
            .collect(),
        "hash_wide" => (0..FILLED)
            .map(|i| (wide(mix32(i)).to_vec(), value(i).repeat(4)))
            .collect(),
        "routes" => (0..ROUTES).map(|i| (route(i).to_vec(), value(i))).collect(),
        _ => Vec::new(),
    }
}

/// The maps of [`MAP_OPS`], filled, and its programs.
pub struct MapOps {
    runs: Arc<Runs>,
    maps: HashMap<String, Arc<Map>>,
    programs: HashMap<String, (Arc<Program>, Vec<Arc<Map>>)>,
}

impl MapOps {
    /// All of it, ready to run.
    pub fn new() -> Self {
        let object = Object::parse(MAP_OPS, "map_ops").expect("a committed object");
        let set = object.link(&target(CPUS), &LinkOptions::default());
        let set = set.expect("a committed object links");
        let runs = Arc::new(Runs::new(CPUS));
        let filled = |spec: &MapSpec| {
            let map = Map::create(spec, &runs).expect("a right specification");
            for (key, value) in map_ops_contents(&spec.name) {
                map.update_outside(&key, &value, UpdateMode::Any)
                    .expect("there is room");
            }
            Arc::new(map)
        };
        let maps: Vec<_> = set.maps.iter().map(filled).collect();
        let with_maps = |program: Program| {
            let own = program.maps.iter();
            let own = own.map(|map| Arc::clone(&maps[map.index()])).collect();
            (program.name.clone(), (Arc::new(program), own))
        };
        Self {
            programs: set.programs.into_iter().map(with_maps).collect(),
            maps: (maps.iter())
                .map(|map| (map.spec().name.clone(), Arc::clone(map)))
                .collect(),
            runs,
        }
    }

    /// The map of a case; any, for the loop alone.
    pub fn map(&self, case: &MapCase) -> &Arc<Map> {
        &self.maps[case.map.unwrap_or("array")]
    }

    /// The program of a case on a CPU, interpreted.
    pub fn interpreted(&self, case: &MapCase, cpu: u32) -> impl FnMut() -> u32 + use<> {
        self.ready(self.code(case), cpu)
    }

    /// The same as machine code of the first tier.
    pub fn native(&self, case: &MapCase, cpu: u32) -> impl FnMut() -> u32 + use<> {
        let (program, maps) = &self.programs[case.program];
        let maps: Vec<_> = maps.iter().map(|map| map.spec().clone()).collect();
        let code = self.code(case);
        let compiled = compile(&code, program, &maps, &target(CPUS), Tiers::First);
        assert!(compiled, "{} has a native form", case.program);
        self.ready(code, cpu)
    }

    fn code(&self, case: &MapCase) -> Arc<Code> {
        let (program, maps) = &self.programs[case.program];
        Code::prepare(program, maps).expect("the program can run")
    }

    fn ready(&self, code: Arc<Code>, cpu: u32) -> impl FnMut() -> u32 + use<> {
        let mut environment = Environment::repeatable(1);
        environment.cpu = cpu;
        let mut machine = Machine::among(&self.runs, environment).expect("memory");
        machine
            .input(ProgramKind::Xdp, &packet(), &[], Layer::Ethernet)
            .expect("the packet fits");
        move || machine.run(&code).expect("the program is sound").value as u32
    }
}

impl Default for MapOps {
    fn default() -> Self {
        Self::new()
    }
}

/// A hash or a trie with so many elements: what a lookup costs by size.
pub fn sized(kind: MapKind, entries: u32) -> Map {
    let key_bytes = if kind == MapKind::LpmTrie { 8 } else { 4 };
    let mut spec = MapSpec::new("sized", kind, key_bytes, 8, entries);
    if kind == MapKind::LpmTrie {
        spec.flags = MapFlags(MapFlags::NO_PREALLOC);
    }
    let map = Map::create(&spec, &Arc::new(Runs::new(CPUS))).expect("a right specification");
    for i in 0..entries {
        let value = u64::from(i).to_ne_bytes();
        match kind {
            MapKind::LpmTrie => map.update(&route(i), &value, 0, 0),
            _ => map.update(&native(mix32(i)), &value, 0, 0),
        }
        .expect("there is room");
    }
    map
}

/// [`RUN_OPS`] lookups of keys that are there, in no order, of a map from [`sized`].
pub fn sized_lookups(map: &Map, at: &mut Position) -> u64 {
    let spec = map.spec();
    let mask = spec.max_entries.next_power_of_two() / 2 - 1;
    // So far apart that no line is met again soon.
    let number = |n: u32| n.wrapping_mul(0x9e37_79b1) & mask;
    match spec.kind {
        MapKind::LpmTrie => lookups(map, 0, at, |n| route(number(n))),
        _ => lookups(map, 0, at, |n| native(mix32(number(n)))),
    }
}

#[cfg(test)]
mod tests {
    use super::{MAP_CASES, MapOps};

    /// Sequences are the same, so sums must be.
    #[test]
    fn a_program_does_what_the_direct_calls_do() {
        let (programs, compiled, direct) = (MapOps::new(), MapOps::new(), MapOps::new());
        // All programs of a CPU go on in one sequence.
        let mut at = 0;
        for case in MAP_CASES {
            let mut run = programs.interpreted(case, 0);
            let mut native = compiled.native(case, 0);
            let ours = (case.direct)(direct.map(case), 0, &mut at);
            let changes = ["update", "churn", "evict"];
            if changes.iter().any(|what| case.program.ends_with(what)) {
                // These sum up failures, programs nothing.
                assert_eq!((run(), native(), ours), (0, 0, 0), "{}", case.program);
            } else {
                assert_eq!(
                    (run(), native()),
                    (ours as u32, ours as u32),
                    "{}",
                    case.program
                );
            }
        }
    }
}
