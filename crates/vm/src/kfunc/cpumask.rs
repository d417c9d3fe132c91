//! Sets of CPUs: objects that programs make, and the sets inside of kernel objects.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use osmia_btf::Kind;
use osmia_program::Errno;

use super::{family, give_back};
use crate::fields::{Allocated, ObjectType};
use crate::guest::{Call, Fault, Guest};
use crate::heap::{Object, ObjectAccess, Tag};
use crate::helper::{HelperFn, errno};

family! {
    "bpf_cpumask_create" => create,
    "bpf_cpumask_acquire" => acquire,
    "bpf_cpumask_release" => |call| give_back(call, MASK),
    "bpf_cpumask_first" => |call| first(call, |word| word),
    "bpf_cpumask_first_zero" => |call| first(call, |word| !word),
    "bpf_cpumask_first_and" => first_and,
    "bpf_cpumask_set_cpu" => |call| change(call, Change::Set),
    "bpf_cpumask_clear_cpu" => |call| change(call, Change::Clear),
    "bpf_cpumask_test_cpu" => test_cpu,
    "bpf_cpumask_test_and_set_cpu" => |call| change(call, Change::Set),
    "bpf_cpumask_test_and_clear_cpu" => |call| change(call, Change::Clear),
    "bpf_cpumask_setall" => |call| fill(call, u64::MAX),
    "bpf_cpumask_clear" => |call| fill(call, 0),
    "bpf_cpumask_and" => |call| combine(call, |one, other| one & other),
    "bpf_cpumask_or" => |call| combine(call, |one, other| one | other).map(|_| 0),
    "bpf_cpumask_xor" => |call| combine(call, |one, other| one ^ other).map(|_| 0),
    "bpf_cpumask_equal" => |call| every(call, |one, other| one == other),
    "bpf_cpumask_intersects" => intersects,
    "bpf_cpumask_subset" => |call| every(call, |one, other| one & !other == 0),
    "bpf_cpumask_empty" => |call| Ok(u64::from(count(call)? == 0)),
    "bpf_cpumask_full" => |call| Ok(u64::from(count(call)? == u64::from(call.world.runs.cpus()))),
    "bpf_cpumask_copy" => copy,
    "bpf_cpumask_any_distribute" => |call| any(call, 1),
    "bpf_cpumask_any_and_distribute" => |call| any(call, 2),
    "bpf_cpumask_weight" => count,
    "bpf_cpumask_populate" => populate,
}

const MASK: &str = "bpf_cpumask";
const WORD_BITS: u32 = u64::BITS;

/// Words of a set that has every CPU.
fn words<G: Guest>(call: &Call<'_, G>) -> usize {
    call.world.runs.cpus().div_ceil(WORD_BITS) as usize
}

/// The bits of a word that stand for CPUs there are.
fn valid(cpus: u32, word: usize) -> u64 {
    match cpus.saturating_sub(word as u32 * WORD_BITS) {
        WORD_BITS.. => u64::MAX,
        bits => (1 << bits) - 1,
    }
}

/// `bpf_cpumask_create()`: as large as the kernel's, so that programs may read all of it.
fn create<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let types = call.world.env.types.as_deref();
    let size = types.and_then(|types| types.size_of(types.find(MASK, Kind::Struct)?));
    let ty = ObjectType {
        name: Arc::from(MASK),
        bytes: size
            .map_or(0, |size| size as usize)
            .max((words(call) + 1) * 8),
        fields: None,
    };
    let bytes = ty.bytes;
    let tag = Tag::with(MASK, Arc::new(Allocated::new(Arc::new(ty), None)));
    let address = call.allocate(bytes, ObjectAccess::Read, tag);
    if let Some(address) = address {
        call.world.held.acquire(address);
    }
    Ok(address.unwrap_or(0))
}

/// `bpf_cpumask_acquire(mask)`
fn acquire<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let object = own(call, 1)?;
    if let Some(allocated) = object.payload::<Allocated>() {
        allocated.acquire();
    }
    call.world.held.acquire(object.address);
    Ok(object.address)
}

/// A set that a program made.
fn own<G: Guest>(call: &Call<'_, G>, argument: usize) -> Result<Object, Fault> {
    let object = call.object(argument, "a bpf_cpumask")?;
    match &*object.tag.name {
        MASK => Ok(object),
        other => Err(Fault::Argument {
            argument,
            what: format!("is a {other}, not a {MASK}"),
        }),
    }
}

/// What a set holds of CPUs there are.
fn load<G: Guest>(call: &mut Call<'_, G>, argument: usize) -> Result<Vec<u64>, Fault> {
    let cpus = call.world.runs.cpus();
    let bytes = call.bytes(argument, words(call) * 8)?;
    let (chunks, _) = bytes.as_chunks::<8>();
    let words = chunks.iter().enumerate();
    let set = words.map(|(at, word)| u64::from_ne_bytes(*word) & valid(cpus, at));
    let set = set.collect();
    call.world.reuse(bytes);
    Ok(set)
}

/// Makes a program's set hold these CPUs.
fn store<G: Guest>(call: &Call<'_, G>, argument: usize, set: &[u64]) -> Result<(), Fault> {
    let object = own(call, argument)?;
    let (block, element) = object.cell();
    for (word, value) in block.words(element).iter().zip(set) {
        word.store(*value, SeqCst);
    }
    Ok(())
}

/// The first CPU of a set; as many as there are CPUs if it has none.
fn lowest<G: Guest>(call: &Call<'_, G>, set: impl Iterator<Item = u64>) -> u64 {
    let cpus = call.world.runs.cpus();
    let mut set = set.enumerate();
    let found = set.find_map(|(at, word)| {
        let word = word & valid(cpus, at);
        (word != 0).then(|| at as u32 * WORD_BITS + word.trailing_zeros())
    });
    u64::from(found.unwrap_or(cpus))
}

fn first<G: Guest>(call: &mut Call<'_, G>, of: fn(u64) -> u64) -> Result<u64, Fault> {
    let set = load(call, 1)?;
    Ok(lowest(call, set.iter().map(|word| of(*word))))
}

fn first_and<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let (one, other) = (load(call, 1)?, load(call, 2)?);
    let both = one.iter().zip(&other).map(|(one, other)| one & other);
    Ok(lowest(call, both))
}

/// What happens to one CPU of a set.
#[derive(Copy, Clone)]
enum Change {
    Set,
    Clear,
}

/// `bpf_cpumask_set_cpu(cpu, mask)` and relatives: whether the CPU was in the set. A number of no CPU
/// changes nothing.
fn change<G: Guest>(call: &mut Call<'_, G>, change: Change) -> Result<u64, Fault> {
    let cpu = call.args[0] as u32;
    let object = own(call, 2)?;
    if cpu >= call.world.runs.cpus() {
        return Ok(0);
    }
    let (block, element) = object.cell();
    let word = &block.words(element)[(cpu / WORD_BITS) as usize];
    let bit = 1 << (cpu % WORD_BITS);
    let before = match change {
        Change::Set => word.fetch_or(bit, SeqCst),
        Change::Clear => word.fetch_and(!bit, SeqCst),
    };
    Ok(u64::from(before & bit != 0))
}

/// `bpf_cpumask_test_cpu(cpu, mask)`
fn test_cpu<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let cpu = call.args[0] as u32;
    let set = load(call, 2)?;
    let word = set.get((cpu / WORD_BITS) as usize).copied().unwrap_or(0);
    Ok(word >> (cpu % WORD_BITS) & 1)
}

fn fill<G: Guest>(call: &mut Call<'_, G>, with: u64) -> Result<u64, Fault> {
    let cpus = call.world.runs.cpus();
    let set: Vec<u64> = (0..words(call)).map(|at| with & valid(cpus, at)).collect();
    store(call, 1, &set).map(|()| 0)
}

/// `bpf_cpumask_and(dst, a, b)` and relatives: true if the result has a CPU.
fn combine<G: Guest>(call: &mut Call<'_, G>, how: fn(u64, u64) -> u64) -> Result<u64, Fault> {
    let (one, other) = (load(call, 2)?, load(call, 3)?);
    let both = one.iter().zip(&other).map(|(one, other)| how(*one, *other));
    let set: Vec<u64> = both.collect();
    store(call, 1, &set)?;
    Ok(u64::from(set.iter().any(|word| *word != 0)))
}

fn every<G: Guest>(call: &mut Call<'_, G>, holds: fn(u64, u64) -> bool) -> Result<u64, Fault> {
    let (one, other) = (load(call, 1)?, load(call, 2)?);
    let mut pairs = one.iter().zip(&other);
    Ok(u64::from(pairs.all(|(one, other)| holds(*one, *other))))
}

/// `bpf_cpumask_intersects(a, b)`
fn intersects<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let none = every(call, |one, other| one & other == 0)?;
    Ok(1 - none)
}

fn count<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let set = load(call, 1)?;
    Ok(set.iter().map(|word| u64::from(word.count_ones())).sum())
}

/// `bpf_cpumask_copy(dst, src)`
fn copy<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let set = load(call, 2)?;
    store(call, 1, &set).map(|()| 0)
}

/// `bpf_cpumask_any_distribute(mask)`, `bpf_cpumask_any_and_distribute(a, b)`: the next one after
/// the one that was given out last, so that all get their turn.
fn any<G: Guest>(call: &mut Call<'_, G>, sets: usize) -> Result<u64, Fault> {
    let mut set = load(call, 1)?;
    if sets == 2 {
        let other = load(call, 2)?;
        set.iter_mut()
            .zip(&other)
            .for_each(|(one, other)| *one &= other);
    }
    let cpus = call.world.runs.cpus();
    let has = |cpu: &u32| set[(cpu / WORD_BITS) as usize] >> (cpu % WORD_BITS) & 1 != 0;
    let from = call.world.cpu_given + 1;
    let found = (from..cpus).chain(0..cpus).find(has);
    if let Some(cpu) = found {
        call.world.cpu_given = cpu;
    }
    Ok(u64::from(found.unwrap_or(cpus)))
}

/// `bpf_cpumask_populate(mask, words, size)`
fn populate<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let size = call.args[2] as usize;
    if size < words(call) * 8 {
        return Ok(errno(Err(Errno::EACCES)));
    }
    let set = load(call, 2)?;
    store(call, 1, &set).map(|()| 0)
}
