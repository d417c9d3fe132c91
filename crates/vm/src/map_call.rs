//! Operations on a map that native code knows: no handle to resolve, sizes known beforehand, nothing
//! that could end the program.
//!
//! A [`MapFunction`] is one operation for keys and values of certain sizes. Native code calls it with
//! the map itself and the addresses the program passes, which verification knows everything about.

use osmia_program::MapKind;

use crate::helper::errno;
use crate::map::Map;
use crate::memory::Real;

/// What a program does with a map.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MapOperation {
    /// Finds an element.
    Lookup,
    /// Sets the value of a key.
    Update,
    /// Removes a key.
    Delete,
    /// Adds a value to a queue or a stack.
    Push,
    /// Takes the next value of one.
    Pop,
    /// Copies it.
    Peek,
}

/// Longer keys and values are the business of the helpers, which have memory for them.
const BYTES_MAX: usize = 64;

/// Instead of a size: it is known to the map only.
pub const ANY: usize = 0;

impl MapOperation {
    /// What a helper does, by its number.
    pub fn of_helper(id: u32) -> Option<Self> {
        Some(match id {
            1 => Self::Lookup,
            2 => Self::Update,
            3 => Self::Delete,
            87 => Self::Push,
            88 => Self::Pop,
            89 => Self::Peek,
            _ => return None,
        })
    }

    /// The helper's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lookup => "bpf_map_lookup_elem",
            Self::Update => "bpf_map_update_elem",
            Self::Delete => "bpf_map_delete_elem",
            Self::Push => "bpf_map_push_elem",
            Self::Pop => "bpf_map_pop_elem",
            Self::Peek => "bpf_map_peek_elem",
        }
    }

    /// True if a [`MapFunction`] can do it to this map.
    pub fn is_direct(self, map: &Map) -> bool {
        use MapKind as M;
        let kind = map.spec().kind;
        let by_key = matches!(
            kind,
            M::Hash | M::PercpuHash | M::LruHash | M::LruPercpuHash | M::LpmTrie
        );
        let is_array = matches!(kind, M::Array | M::PercpuArray);
        let takes = match self {
            Self::Lookup | Self::Delete => by_key,
            Self::Update => by_key || is_array,
            Self::Push | Self::Pop | Self::Peek => matches!(kind, M::Queue | M::Stack),
        };
        let is_short = |bytes: u32| bytes as usize <= BYTES_MAX;
        takes && is_short(map.spec().key_size) && is_short(map.spec().value_size)
    }
}

/// One call.
#[derive(Copy, Clone, Debug)]
pub struct MapCall<'m> {
    /// The map.
    pub map: &'m Map,
    /// What the program's addresses may be used with.
    pub real: Real,
    /// The arguments behind the map.
    pub args: [u64; 3],
    /// The CPU the program runs on.
    pub cpu: u32,
}

impl MapCall<'_> {
    /// Does something with the bytes an argument points to.
    #[inline(always)]
    fn with<const BYTES: usize, T>(
        &self,
        argument: usize,
        bytes: u32,
        work: impl FnOnce(&[u8]) -> T,
    ) -> T {
        let address = self.args[argument];
        if BYTES == ANY {
            let mut room = [0; BYTES_MAX];
            let room = &mut room[..bytes as usize];
            self.real.read(address, room);
            work(room)
        } else {
            let mut room = [0; BYTES];
            self.real.read(address, &mut room);
            work(&room)
        }
    }

    /// The same with the key.
    #[inline(always)]
    fn with_key<const KEY: usize, T>(&self, work: impl FnOnce(&[u8]) -> T) -> T {
        self.with::<KEY, T>(0, self.map.spec().key_size, work)
    }

    /// Puts a value where the first argument points; what the program gets.
    #[inline(always)]
    fn give<const BYTES: usize>(
        &self,
        take: impl FnOnce(&mut [u8]) -> Result<(), osmia_program::Errno>,
    ) -> u64 {
        if BYTES == ANY {
            let mut room = [0; BYTES_MAX];
            let room = &mut room[..self.map.spec().value_size as usize];
            let result = take(room);
            self.real.write(self.args[0], room);
            errno(result)
        } else {
            let mut room = [0; BYTES];
            let result = take(&mut room);
            self.real.write(self.args[0], &room);
            errno(result)
        }
    }
}

/// An operation for keys and values of certain sizes.
pub trait MapFunction {
    /// What it does.
    const OPERATION: MapOperation;
    /// What the program gets.
    fn call(call: &MapCall<'_>) -> u64;
}

/// [`MapOperation::Lookup`] with keys of so many bytes.
#[derive(Debug)]
pub struct Lookup<const KEY: usize>;

impl<const KEY: usize> MapFunction for Lookup<KEY> {
    const OPERATION: MapOperation = MapOperation::Lookup;

    #[inline(always)]
    fn call(call: &MapCall<'_>) -> u64 {
        let found = call.with_key::<KEY, _>(|key| call.map.lookup_address(key, call.cpu));
        found.map_or(0, |value| value.addr().get() as u64)
    }
}

/// [`MapOperation::Update`] with keys and values of so many bytes.
#[derive(Debug)]
pub struct Update<const KEY: usize, const VALUE: usize>;

impl<const KEY: usize, const VALUE: usize> MapFunction for Update<KEY, VALUE> {
    const OPERATION: MapOperation = MapOperation::Update;

    #[inline(always)]
    fn call(call: &MapCall<'_>) -> u64 {
        let update = |key: &[u8]| {
            call.with::<VALUE, _>(1, call.map.spec().value_size, |value| {
                call.map.update(key, value, call.args[2], call.cpu)
            })
        };
        errno(call.with_key::<KEY, _>(update))
    }
}

/// [`MapOperation::Delete`] with keys of so many bytes.
#[derive(Debug)]
pub struct Delete<const KEY: usize>;

impl<const KEY: usize> MapFunction for Delete<KEY> {
    const OPERATION: MapOperation = MapOperation::Delete;

    #[inline(always)]
    fn call(call: &MapCall<'_>) -> u64 {
        errno(call.with_key::<KEY, _>(|key| call.map.delete(key)))
    }
}

/// [`MapOperation::Push`] with values of so many bytes.
#[derive(Debug)]
pub struct Push<const VALUE: usize>;

impl<const VALUE: usize> MapFunction for Push<VALUE> {
    const OPERATION: MapOperation = MapOperation::Push;

    #[inline(always)]
    fn call(call: &MapCall<'_>) -> u64 {
        let push = |value: &[u8]| call.map.push(value, call.args[1]);
        errno(call.with::<VALUE, _>(0, call.map.spec().value_size, push))
    }
}

/// [`MapOperation::Pop`] with values of so many bytes.
#[derive(Debug)]
pub struct Pop<const VALUE: usize>;

impl<const VALUE: usize> MapFunction for Pop<VALUE> {
    const OPERATION: MapOperation = MapOperation::Pop;

    #[inline(always)]
    fn call(call: &MapCall<'_>) -> u64 {
        call.give::<VALUE>(|value| call.map.pop(value))
    }
}

/// [`MapOperation::Peek`] with values of so many bytes.
#[derive(Debug)]
pub struct Peek<const VALUE: usize>;

impl<const VALUE: usize> MapFunction for Peek<VALUE> {
    const OPERATION: MapOperation = MapOperation::Peek;

    #[inline(always)]
    fn call(call: &MapCall<'_>) -> u64 {
        call.give::<VALUE>(|value| call.map.peek(value))
    }
}
