//! The memory of native runs: real addresses, nothing looked up and nothing checked.
//!
//! Like [`crate::checked`] for the interpreter. A map's handle is where the program keeps its
//! reference to it; an element's, the packet's and the context's addresses are where they lie.

use std::any::Any;
use std::sync::Arc;

use osmia_program::MapKind;
use osmia_program::limits::{CALL_FRAMES_MAX, STACK_BYTES, TAIL_CALLS_MAX};

use crate::checked::not_a_map;
use crate::code::{Code, CodeMap};
use crate::fields::{FieldKind, ObjectType};
use crate::guest::{Fault, Guest};
use crate::heap::Heap;
use crate::map::{Element, Map, Reservation};
use crate::memory::{Block, Real, Shape};
use crate::native::Native;
use crate::packet::Packet;
use crate::world::World;

/// Frames there is room for: every tail call may go on in a program that calls functions anew.
const FRAMES: usize = (TAIL_CALLS_MAX as usize + 1) * CALL_FRAMES_MAX;

/// What native code reads and writes by itself: see [`crate::native::layout`].
#[derive(Debug, Default)]
#[repr(C)]
pub(crate) struct Head {
    pub(crate) ended: u32,
    pub(crate) slot: u32,
    pub(crate) helper: u64,
    pub(crate) stack_pointer: u64,
    pub(crate) frame_pointer: u64,
    pub(crate) context: u64,
    pub(crate) cpu: u64,
    pub(crate) packet_start: u64,
    pub(crate) packet_end: u64,
    pub(crate) packet_meta: u64,
}

/// The memory of native runs.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Direct {
    pub(crate) head: Head,
    /// Set while a verified program runs.
    real: Option<Real>,
    /// Frames of the program's functions, the first one last.
    stack: Block,
    /// The programs of this run, the latest last: maps are known by where these keep them.
    codes: Vec<Arc<Code>>,
    /// Inner maps met in this run. Their handles are where they lie themselves.
    inner: Vec<Arc<Map>>,
    reservations: Vec<(u64, Arc<Map>, Reservation)>,
    /// Memory that helpers lent, and where it begins.
    lent: Vec<(u64, Arc<Block>)>,
    packet: u64,
    packet_bytes: u64,
    context_bytes: u64,
    /// Why the program was ended, and by which helper.
    end: Option<(&'static str, Fault)>,
    tail_calls_left: u32,
}

fn address_of(map: &Arc<Map>) -> u64 {
    Arc::as_ptr(map).addr() as u64
}

fn start_of(block: &Block) -> u64 {
    block.base().addr().get() as u64
}

impl Direct {
    pub(crate) fn new() -> Option<Self> {
        Some(Self {
            head: Head::default(),
            real: None,
            stack: Block::new(FRAMES, STACK_BYTES)?,
            codes: Vec::new(),
            inner: Vec::new(),
            reservations: Vec::new(),
            lent: Vec::new(),
            packet: 0,
            packet_bytes: 0,
            context_bytes: 0,
            end: None,
            tail_calls_left: 0,
        })
    }

    /// True if native code can work with such a map: its values hold nothing whose address would be the
    /// interpreter's, and lookups find values or maps.
    pub(crate) fn knows(map: &Map) -> bool {
        use MapKind as M;
        let kind = matches!(
            map.spec().kind,
            M::Array
                | M::PercpuArray
                | M::Hash
                | M::PercpuHash
                | M::LruHash
                | M::LruPercpuHash
                | M::LpmTrie
                | M::ProgArray
                | M::Queue
                | M::Stack
                | M::Ringbuf
                | M::PerfEventArray
                | M::BloomFilter
                | M::ArrayOfMaps
                | M::HashOfMaps
                | M::Devmap
                | M::DevmapHash
                | M::Cpumap
        );
        let plain = map.fields().is_none_or(|fields| {
            let mut fields = fields.iter();
            fields.all(|field| matches!(field.kind, FieldKind::SpinLock))
        });
        kind && plain
    }

    /// Makes everything ready for a run; gives the frame pointer.
    #[inline]
    pub(crate) fn begin(&mut self, code: &Arc<Code>, native: &dyn Native, world: &World) -> u64 {
        self.real = Some(native.memory());
        if !matches!(&self.codes[..], [known] if Arc::ptr_eq(known, code)) {
            self.codes.clear();
            self.codes.push(Arc::clone(code));
        }
        let frames = native.stack_bytes().div_ceil(STACK_BYTES).min(FRAMES);
        self.stack.zero(FRAMES - frames..FRAMES);
        self.inner.clear();
        self.lent.clear();
        self.end = None;
        self.tail_calls_left = TAIL_CALLS_MAX;
        self.context_bytes = world.context.len() as u64;
        self.head.ended = 0;
        self.head.context = start_of(world.context.block());
        self.head.cpu = world.env.cpu.into();
        self.packet_moved(&world.packet);
        start_of(&self.stack) + (FRAMES * STACK_BYTES) as u64
    }

    /// Ends a run: reservations the program did not give back would block the ring's reader.
    #[inline]
    pub(crate) fn end(&mut self) {
        self.real = None;
        for (_, map, reservation) in self.reservations.drain(..) {
            if let Some(ring) = map.ringbuf() {
                ring.discard(reservation, 0);
            }
        }
    }

    /// Lets go of the programs that ran last.
    pub(crate) fn release(&mut self) {
        self.codes.clear();
        self.inner.clear();
        self.lent.clear();
    }

    /// The program that runs now.
    pub(crate) fn running(&self) -> Option<&Arc<Code>> {
        self.codes.last()
    }

    /// Native code ends at its next look.
    pub(crate) fn end_with(&mut self, helper: &'static str, fault: Fault) {
        self.head.ended = 1;
        self.end = Some((helper, fault));
    }

    /// Why the program was ended, if it was.
    pub(crate) fn take_end(&mut self) -> Option<(&'static str, Fault)> {
        self.end.take()
    }

    /// Where the program in a slot begins; zero without one.
    ///
    /// # Errors
    /// If it has no native form, or the argument is no array of programs.
    pub(crate) fn tail_target(&mut self, handle: u64, index: u32) -> Result<u64, Fault> {
        let map = self.map(handle).ok_or_else(|| not_a_map(handle, 2))?;
        let Some(target) = map.program_at::<Code>(index) else {
            return Ok(0);
        };
        if self.tail_calls_left == 0 {
            return Ok(0);
        }
        let Some(native) = target.native() else {
            let what = "goes to a program without a native form".to_owned();
            return Err(Fault::Misuse { what });
        };
        if native.context_bytes() as u64 > self.context_bytes {
            let what = "goes to a program that uses more of the context than there is".to_owned();
            return Err(Fault::Misuse { what });
        }
        self.tail_calls_left -= 1;
        let entry = native.entry();
        self.codes.push(target);
        Ok(entry)
    }

    /// Maps of this run.
    fn maps(&self) -> impl Iterator<Item = &Arc<Map>> {
        let own = self.codes.iter().flat_map(|code| code.maps());
        own.chain(&self.inner)
    }

    /// True if all these bytes are memory of the run: what probing helpers may read.
    fn is_own(&self, address: u64, bytes: u64) -> bool {
        let within = |start: u64, len: u64| {
            address
                .checked_sub(start)
                .and_then(|offset| offset.checked_add(bytes))
                .is_some_and(|end| end <= len)
        };
        let whole = |block: &Block| (block.stride() * block.count()) as u64;
        let in_values = |map: &Arc<Map>| {
            let values = map.values();
            values.is_some_and(|block| within(start_of(block), whole(block)))
        };
        within(start_of(&self.stack), whole(&self.stack))
            || within(self.head.context, self.context_bytes)
            || within(self.packet, self.packet_bytes)
            || (self.lent.iter()).any(|(start, block)| within(*start, block.window() as u64))
            || (self.reservations.iter()).any(|(start, _, held)| within(*start, held.len() as u64))
            || self.maps().any(in_values)
    }

    fn real(&self) -> Real {
        self.real.expect("helpers are called during runs")
    }
}

impl Guest for Direct {
    #[inline]
    fn read(&self, address: u64, out: &mut [u8]) -> bool {
        self.real().read(address, out)
    }

    fn probe(&self, address: u64, out: &mut [u8]) -> bool {
        self.is_own(address, out.len() as u64) && self.read(address, out)
    }

    #[inline]
    fn write(&mut self, address: u64, bytes: &[u8]) -> bool {
        self.real().write(address, bytes)
    }

    #[inline]
    fn allows(&self, address: u64, bytes: u32, _write: bool) -> bool {
        self.real().allows(address, bytes)
    }

    fn is_context(&self, address: u64) -> bool {
        address == self.head.context
    }

    #[inline]
    fn map(&self, handle: u64) -> Option<&Arc<Map>> {
        for code in self.codes.iter().rev() {
            let first = code.maps.as_ptr().addr() as u64;
            let distance = handle.wrapping_sub(first) as usize;
            if let Some(map) = code.maps.get(distance / size_of::<CodeMap>()) {
                return Some(&map.map);
            }
        }
        self.inner.iter().find(|map| address_of(map) == handle)
    }

    #[inline]
    fn element_address(&mut self, handle: u64, element: Element) -> Option<u64> {
        let values = self.map(handle)?.values()?;
        Some(values.address(element.index()).addr().get() as u64)
    }

    fn inner_handle(&mut self, map: Arc<Map>) -> Option<u64> {
        if !Self::knows(&map) {
            return None;
        }
        let handle = address_of(&map);
        if !self.inner.iter().any(|known| Arc::ptr_eq(known, &map)) {
            self.inner.push(map);
        }
        Some(handle)
    }

    fn key_address(&mut self, _key: &[u8]) -> Option<u64> {
        // Only callbacks are shown keys.
        None
    }

    fn show_reservation(&mut self, map: &Arc<Map>, reservation: Reservation) -> Option<u64> {
        let address = start_of(map.ringbuf()?.memory()) + reservation.offset() as u64;
        let held = (address, Arc::clone(map), reservation);
        self.reservations.push(held);
        Some(address)
    }

    fn take_reservation(&mut self, address: u64) -> Option<(Arc<Map>, Reservation)> {
        let mut held = self.reservations.iter();
        let at = held.position(|(start, ..)| *start == address)?;
        let (_, map, reservation) = self.reservations.swap_remove(at);
        Some((map, reservation))
    }

    fn heap_grew(&mut self, _heap: &Heap) {}

    fn show(&mut self, block: &Arc<Block>, shape: Shape) -> Option<u64> {
        let address = start_of(block) + shape.start as u64;
        self.lent.push((address, Arc::clone(block)));
        Some(address)
    }

    fn hide(&mut self, address: u64) {
        self.lent.retain(|(start, _)| *start != address);
    }

    fn value_at(&self, address: u64) -> Option<(Arc<Map>, Element, usize)> {
        self.maps().find_map(|map| {
            let values = map.values()?;
            let distance = address.checked_sub(start_of(values))? as usize;
            let (element, offset) = (distance / values.stride(), distance % values.stride());
            let inside = element < values.count() && offset < map.spec().value_size as usize;
            inside.then(|| (Arc::clone(map), Element::at(element as u32), offset))
        })
    }

    fn code_of(&self, _function: u64) -> Option<Arc<dyn Any + Send + Sync>> {
        None
    }

    fn object_type(&self, _id: u64) -> Option<Arc<ObjectType>> {
        None
    }

    fn packet_address(&self, position: usize) -> u64 {
        self.packet + position as u64
    }

    #[inline]
    fn packet_moved(&mut self, packet: &Packet) {
        self.packet = start_of(packet.block());
        self.packet_bytes = packet.end() as u64;
        self.head.packet_start = self.packet + packet.shown_start() as u64;
        self.head.packet_end = self.packet + packet.shown_end() as u64;
        self.head.packet_meta = self.packet + packet.meta() as u64;
    }

    fn invoke(
        &mut self,
        _world: &mut World,
        _function: u64,
        _argument: usize,
        _args: [u64; 5],
    ) -> Result<u64, Fault> {
        let what = "calls back, which native code cannot yet".to_owned();
        Err(Fault::Misuse { what })
    }
}
